"""The whole app over a prepared vault: two accounts that have lived through a month, copied by the real sync.

The cast: Sam of staff restores; Mara the manager and Cora the compliance officer look; Otto has no access.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.runtime import Runtime, set_runtime
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.sandbox.state import persistence
from hlcore.settings import Settings
from hlcore.sync.listing.run import sync_location
from tests.support.worlds import ManualClock

FRAME = Path(__file__).parents[2] / "pages" / "_frame.py"
HARBOR, DENTAL = "locHarbor00000000001", "locDental00000000001"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:9"
SAM = {"is_logged_in": True, "email": "sam@example.com", "name": "Sam"}
MARA = {"is_logged_in": True, "email": "mara@example.com", "name": "Mara"}
OTTO = {"is_logged_in": True, "email": "otto@elsewhere.example", "name": "Otto"}
NOBODY = {"is_logged_in": False}
AUTH = {
    "redirect_uri": "http://localhost:8501/oauth2callback",
    "cookie_secret": "not-a-secret-only-a-test",
    "client_id": "test",
    "client_secret": "test",
    "server_metadata_url": "http://127.0.0.1:9/.well-known/openid-configuration",
}


def settings_for(folder: Path, **more: Any) -> Settings:
    """Return the settings of a process with its vault in this folder; nobody outside the cast may enter."""
    values: dict[str, Any] = {
        "database_url": f"sqlite:///{folder / 'vault.db'}",
        "data_dir": folder,
        "api_url": NOWHERE,
        "worker": "off",
        "demo": "off",
        "allowed_emails": "mara@example.com, cora@example.com",
        "restorers": "sam@example.com",
    }
    return Settings(**{**values, **more})


def _round(context: AppContext, location_id: str) -> None:
    with context.location_context(location_id) as location_context:
        sync_location(location_context, context.rules(context.location(location_id)))


def _live(harbor: SandboxLocation, dental: SandboxLocation, clock: ManualClock, context: AppContext) -> None:
    """Deletions on some days of a month: 2 long ago, 3 last week, 2 yesterday; one comes back."""
    rounds: list[tuple[int, Callable[[], None]]] = [
        (0, lambda: None),
        (4, lambda: harbor.delete("har0000000", "har0000001")),
        (27, lambda: harbor.delete("har0000002", "har0000003", "har0000004")),
        (28, lambda: harbor.native_restore("har0000002")),
        (32, lambda: dental.delete("den0000000", "den0000001")),
    ]
    for day, happens in rounds:
        clock.at = START + timedelta(days=day)
        happens()
        clock.at += timedelta(hours=1)
        for location_id in (HARBOR, DENTAL):
            _round(context, location_id)


def _open(
    sandbox: Sandbox, clock: ManualClock, location_id: str, name: str, zone: str, letters: str
) -> SandboxLocation:
    location = sandbox.add_location(location_id, name, zone, token=f"pit-{location_id}")
    for at in range(30):
        location.create(
            id=f"{letters}{at:07d}",
            firstName=("Ada", "Bo", "Cleo", "Dev", "Eve")[at % 5],
            lastName=f"Sample{at:02d}",
            email=f"{letters}{at}@example.org",
            phone=f"+1555010{at:04d}",
            tags=["client"] if at % 2 else ["lead", "vip"],
            source="referral" if at % 3 else "website",
            dateAdded=clock.at - timedelta(days=90 - at),
            dateUpdated=clock.at - timedelta(days=60),
        )
    return location


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the vault and the sandbox after that month."""
    folder = tmp_path_factory.mktemp("lived")
    clock = ManualClock()
    sandbox = Sandbox(clock.now, seed=5)
    harbor = _open(sandbox, clock, HARBOR, "Harbor & Pine Recruiting", "America/New_York", "har")
    dental = _open(sandbox, clock, DENTAL, "Brightwater Dental", "Europe/London", "den")
    with serve(sandbox) as server:
        context = AppContext.open(settings_for(folder, api_url=server.url), clock=clock)
        for location_id in (HARBOR, DENTAL):
            connection.connect(context, location_id, f"pit-{location_id}")
        _live(harbor, dental, clock, context)
        context.close()
    persistence.save(sandbox, folder / "sandbox.bin")
    return folder


@pytest.fixture
def folder(lived: Path, tmp_path: Path) -> Path:
    """A copy of that folder for this test alone."""
    shutil.copytree(lived, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def clock() -> ManualClock:
    """Two hours after the last round."""
    return ManualClock(START + timedelta(days=32, hours=3))


@pytest.fixture
def sandbox(folder: Path, clock: ManualClock) -> Sandbox:
    """HighLevel as that month left it."""
    loaded = Sandbox(clock.now, seed=5)
    persistence.load(loaded, folder / "sandbox.bin")
    return loaded


@pytest.fixture
def api_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where HighLevel answers: nowhere, or at the sandbox for tests that ask for `highlevel`."""
    if "highlevel" not in request.fixturenames:
        yield NOWHERE
        return
    with serve(request.getfixturevalue("sandbox")) as server:
        yield server.url


@pytest.fixture
def highlevel(api_url: str, sandbox: Sandbox) -> Sandbox:
    """HighLevel, answering on loopback."""
    return sandbox


@pytest.fixture
def runtime(folder: Path, clock: ManualClock, api_url: str) -> Iterator[Runtime]:
    """The process under test, on the prepared vault."""
    settings = settings_for(folder, api_url=api_url)
    yield from _installed(Runtime(settings, context=AppContext.open(settings, clock=clock)))


@pytest.fixture
def empty_runtime(tmp_path: Path, clock: ManualClock) -> Iterator[Runtime]:
    """The process under test, on a vault to which no account was ever connected."""
    settings = settings_for(tmp_path)
    yield from _installed(Runtime(settings, context=AppContext.open(settings, clock=clock)))


def _installed(runtime: Runtime) -> Iterator[Runtime]:
    previous, address = set_runtime(runtime), config.get_option("server.address")
    config.set_option("server.address", "127.0.0.1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hlcore.ui.session.remote_address", lambda: None)
        yield runtime
    config.set_option("server.address", address)
    set_runtime(previous)
    runtime.stop()


@pytest.fixture
def context(runtime: Runtime) -> AppContext:
    """The AppContext on show."""
    assert runtime.context
    return runtime.context


def frame() -> AppTest:
    """Return the app, not yet run, in local mode."""
    return AppTest.from_file(str(FRAME), default_timeout=30)


def sign_in(app: AppTest, user: dict[str, Any]) -> AppTest:
    """Return the app as this user meets it where sign-in is configured."""
    app.secrets = {"auth": AUTH}
    app.user = user
    return app


@pytest.fixture
def app(runtime: Runtime) -> AppTest:
    """The app over the prepared vault, in local mode, not yet run."""
    return frame()


def text_of(app: AppTest) -> str:
    """Return every text on the page, tables too."""
    parts = [str(element.value) for kind in ("title", "header", "subheader", "markdown", "caption", "error", "warning",
             "info", "success", "code") for element in app.get(kind)]  # fmt: skip
    parts += [f"{metric.label} {metric.value}" for metric in app.metric]
    parts += [frame.value.to_csv() for frame in app.dataframe]
    return "\n".join(parts)
