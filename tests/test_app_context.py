"""What the threads of one process share."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from hlcore.app_context import AppContext
from hlcore.errors import KeyMissing, SettingsError, VaultMissing
from hlcore.settings import Settings
from hlcore.store import Vault, locations
from hlcore.store.encryption import FILE_NAME, Cipher
from tests.conftest import START


def test_clients_of_one_location_share_one_limiter(tmp_path: Path) -> None:
    context = AppContext.open(Settings(database_url=f"sqlite:///{tmp_path}/vault.db", data_dir=tmp_path))
    with (
        context.client("loc1", token="pit-1") as first,
        context.client("loc1", token="pit-1") as second,
        context.client("loc2", token="pit-2") as other,
    ):
        assert first.limiter is second.limiter
        assert first.limiter is not other.limiter
    context.close()


def settings_for(folder: Path, url: str) -> Settings:
    return Settings(database_url=url, data_dir=folder / "keys", demo="auto")


def connect_one(context: AppContext) -> None:
    with context.vault.write() as tx:
        given = {"name": "One", "timezone": "UTC", "company_id": "", "token": None, "raw": None}
        locations.connect(tx, "loc1", **given, at=START)  # type: ignore[arg-type]


def test_a_first_start_makes_vault_and_key(tmp_path: Path, empty_url: str) -> None:
    settings = settings_for(tmp_path, empty_url)
    for _ in range(2):
        AppContext.open(settings).close()
    assert Cipher.has_key_file(settings.data_dir)


def test_a_database_that_is_new_beside_an_existing_key_is_refused(tmp_path: Path, empty_url: str) -> None:
    settings = settings_for(tmp_path, empty_url)
    Cipher.load("", settings.data_dir)
    for _ in range(2):
        with pytest.raises(VaultMissing, match="gone or empty") as refused:
            AppContext.open(settings)
    assert "new-vault" in refused.value.hint
    assert not Vault.exists(empty_url)
    AppContext.open(settings, new_vault=True).close()
    AppContext.open(settings).close()


@pytest.mark.parametrize("left", ["nothing", "an empty file", "the inbox alone", "the log alone"])
def test_a_vault_file_that_is_gone_or_empty_is_refused(tmp_path: Path, left: str) -> None:
    file = tmp_path / "vault.db"
    settings = settings_for(tmp_path, f"sqlite:///{file}")
    if left.endswith("alone"):
        settings = settings.model_copy(update={"secret_key": SecretStr("of the settings")})
        (tmp_path / ("vault-inbox.db" if "inbox" in left else "vault.db-wal")).touch()
    else:
        AppContext.open(settings).close()
        file.unlink()
    if left == "an empty file":
        file.touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(VaultMissing):
        AppContext.open(settings)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("what", ["gone", "empty"])
def test_a_lost_key_of_a_vault_with_accounts_is_never_replaced(tmp_path: Path, vault_url: str, what: str) -> None:
    settings = settings_for(tmp_path, vault_url)
    context = AppContext.open(settings)
    connect_one(context)
    context.close()
    key = settings.data_dir / FILE_NAME
    key.unlink()
    if what == "empty":
        key.touch()
    for _ in range(2):
        with pytest.raises(KeyMissing) as refused:
            AppContext.open(settings)
    assert "new-key" in refused.value.hint
    assert key.exists() == (what == "empty")
    Cipher.renew(settings.data_dir)
    AppContext.open(settings).close()


def test_a_first_start_that_was_interrupted_before_the_key_goes_on(tmp_path: Path, vault_url: str) -> None:
    AppContext.open(settings_for(tmp_path, vault_url)).close()


def test_a_key_that_exists_is_not_renewed(tmp_path: Path) -> None:
    hidden = Cipher.load("", tmp_path).encrypt("pit-1")
    with pytest.raises(SettingsError, match="exists"):
        Cipher.renew(tmp_path)
    assert Cipher.load("", tmp_path).decrypt(hidden) == "pit-1"
