"""Nobody but this user of the machine can open what Contact Vault keeps, also what was left open earlier."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hlcore.app_context import AppContext
from hlcore.errors import SettingsError, StoreError, VaultError
from hlcore.export import ExportKind, ExportMode, ExportSelection, export_file
from hlcore.governance.roles import cli_user
from hlcore.private_files import close_to_others, make_data_folder
from hlcore.settings import Settings
from hlcore.store import Vault

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
ROOT = Path(__file__).parents[1]
OTHER = 65_534


def open_paths(folder: Path) -> dict[str, str]:
    """Everything in the folder that others may open, with its mode; the folder itself is '.'."""
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    return {str(path.relative_to(folder)): oct(mode) for path, mode in modes.items() if mode & 0o077}


@pytest.fixture
def lax() -> Iterator[None]:
    """A user whose new files everybody may read and write."""
    before = os.umask(0)
    yield
    os.umask(before)


def settings_for(folder: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{folder / 'vault.db'}", data_dir=folder)


def fill(context: AppContext) -> None:
    """Make every file that a vault can have while it is open."""
    with context.vault.inbox.write(), context.vault.exclusive("grant-Location"), context.vault.write():
        pass


def test_whatever_the_umask_nothing_is_open_to_others(tmp_path: Path, lax: None) -> None:
    folder = tmp_path / "data"
    context = AppContext.open(settings_for(folder))
    fill(context)
    names = {path.name for path in folder.iterdir()}
    assert names >= {"vault.db", "vault.db-wal", "vault.db-shm", "vault-inbox.db", "vault-inbox.db-wal", "secret.key",
                     "vault-grant-Location.lock"}  # fmt: skip
    assert open_paths(folder) == {}
    context.close()
    assert open_paths(folder) == {}


def test_an_exported_file_is_private_wherever_it_is_put(tmp_path: Path, lax: None) -> None:
    context = AppContext.open(settings_for(tmp_path / "data"))
    out = tmp_path / "contacts.csv"
    out.touch()
    selection = ExportSelection(ExportKind.CONTACTS)
    export_file(context.vault, selection, out, mode=ExportMode.SAFE, bom=False, user=cli_user(), now=context.clock.now)
    context.close()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_what_was_open_is_closed_at_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    context = AppContext.open(settings_for(folder))
    fill(context)
    (folder / "exports").mkdir()
    (folder / "demo").mkdir()
    for name in ("exports/a.csv", "demo/sandbox.bin", "demo/vault.db", "demo/vault.db-wal", "demo/secret.key"):
        (folder / name).touch()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    with context.vault.inbox.read():  # as after a kill: the neighbours of the database are still there
        again = AppContext.open(settings_for(folder))
        fill(again)
    assert open_paths(folder) == {}
    again.close()
    context.close()


def test_a_folder_that_holds_more_than_the_database_stays_as_it_is(tmp_path: Path, lax: None) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "somebody.txt").touch()
    Vault.open(f"sqlite:///{shared / 'vault.db'}").close()
    assert set(open_paths(shared)) == {".", "somebody.txt"}


def test_files_of_the_user_in_the_data_folder_and_links_are_left_alone(tmp_path: Path, lax: None) -> None:
    outside = tmp_path / "outside.csv"
    outside.touch()
    folder = tmp_path / "data"
    (folder / "exports").mkdir(parents=True)
    (folder / "exports" / "link.csv").symlink_to(outside)
    (folder / "notes.txt").touch()
    make_data_folder(folder)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o666
    assert stat.S_IMODE((folder / "notes.txt").stat().st_mode) == 0o666
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_in_place_of_the_data_folder_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    for folder in (tmp_path / "data", tmp_path / "data" / "below"):
        with pytest.raises(SettingsError, match="HLCORE_DATA_DIR"):
            make_data_folder(folder)


@pytest.mark.parametrize("path", ["/", tempfile.gettempdir()])
def test_a_folder_that_others_need_is_never_closed(path: str) -> None:
    before = stat.S_IMODE(os.stat(path).st_mode)
    if path != "/" and not before & stat.S_ISVTX:
        pytest.skip("the folder for temporary files is this user's own")
    with pytest.raises(SettingsError, match="HLCORE_DATA_DIR"):
        make_data_folder(Path(path))
    assert stat.S_IMODE(os.stat(path).st_mode) == before


@pytest.mark.parametrize("kind", ["folder", "database"])
def test_what_belongs_to_another_user_and_is_open_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o777)
    (folder / "vault.db").touch()
    (folder / "vault.db").chmod(0o666)
    folder.chmod(0o777 if kind == "folder" else 0o700)

    def not_ours(path: Path, mode: int, **more: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", not_ours)
    with pytest.raises(VaultError, match="belongs to another") as caught:
        AppContext.open(settings_for(folder))
    assert isinstance(caught.value, SettingsError if kind == "folder" else StoreError)
    assert caught.value.hint


def test_a_disk_without_permissions_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(path: Path, mode: int, **more: object) -> None:
        raise OSError(95, "Operation not supported")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", unsupported)
    AppContext.open(settings_for(tmp_path)).close()


def test_where_permissions_are_unknown_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hlcore.private_files._IS_POSIX", False)
    tmp_path.chmod(0o755)
    make_data_folder(tmp_path)
    close_to_others(tmp_path, 0o700)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_the_command_line_leaves_nothing_open(tmp_path: Path) -> None:
    """As anybody starts it: a new process, the usual umask, a folder that is not there yet."""
    folder = tmp_path / "data"
    env = {**os.environ, "HLCORE_DATA_DIR": str(folder), "HLCORE_DATABASE_URL": f"sqlite:///{folder}/vault.db"}
    command = [sys.executable, "-m", "hlcore", "status", "--json"]
    subprocess.run(command, cwd=ROOT, env=env, check=True, umask=0o022, capture_output=True)
    assert (folder / "vault.db").exists()
    assert open_paths(folder) == {}
