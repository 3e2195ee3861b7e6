"""The real server and a real browser: `streamlit run app.py` as a process of its own, looked at through Chromium.

The demo is lived through once, with a round every third day; every server gets a copy of its folder. Nothing here
leaves this machine: the browser knows no address but loopback, and what a page asked for is remembered.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hlcore.demo import builder
from hlcore.settings import Settings

sync_api = pytest.importorskip("playwright.sync_api", reason="the browser tests need the package playwright")
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect  # noqa: E402

expect.set_options(timeout=30_000)

ROOT = Path(__file__).parents[2]
CLEAR = ("HLCORE_", "STREAMLIT_")
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
ARGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    f"--host-resolver-rules=MAP * ~NOTFOUND, {', '.join(f'EXCLUDE {host}' for host in LOOPBACK)}",
]
READABLE = "document.body.innerText + [...document.querySelectorAll('canvas')].map(e => e.textContent).join()"
OLD_ADDRESSES = {"bulk_deletions": "incidents"}
PATHS = [
    "/",
    *sorted(
        f"/{OLD_ADDRESSES.get(page.stem, page.stem)}"
        for page in (ROOT / "pages").glob("[!_]*.py")
        if page.stem != "overview"
    ),
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, metavar="FOLDER", help="Save every page as PNGs in this folder.")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these run in one process, beside the others; xdist reads the marks in this same hook."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@dataclass
class Server:
    """A running dashboard and the folder of its data."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    log: Path

    def health(self) -> dict[str, object]:
        """What /healthz says; empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                result: dict[str, object] = json.load(answer)
        except OSError:
            return {}
        return result

    def stop(self) -> None:
        """The process has ended. May be repeated."""
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def wait(self, seconds: float = 60) -> None:
        """The vault is open."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if self.health().get("status") == "ok":
                return
            time.sleep(0.1)
        pytest.fail(f"The server did not start:\n{self.log.read_text(errors='replace')[-2000:]}")


@dataclass
class Window:
    """A browser window. `asked` are the hosts outside this machine that a page asked for; `faults` what went wrong."""

    context: BrowserContext
    page: Page
    base: str
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """The page at this path, drawn completely."""
        self.page.goto(self.base + path)
        self.settle()
        return self.page

    def turn_to(self, path: str) -> Page:
        """The page at this path, reached through the menu: the browser loads nothing anew."""
        self.page.locator(f"[data-testid=stSidebarNavLink][href='{self.base}{path}']").click()
        self.page.wait_for_url(self.base + path)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Nothing is being drawn any more, and the browser has loaded what draws it."""
        self.page.wait_for_function(
            """() => {
                const app = document.querySelector('[data-testid=stApp]');
                return app && app.dataset.testScriptState === 'notRunning' && app.querySelector('h1')
                    && !app.querySelector('[data-stale=true], [data-testid=stSkeleton]');
            }""",
            timeout=30_000,
        )

    def text(self) -> str:
        """Everything that can be read, tables too (their cells stand in the canvas for readers of screens)."""
        return str(self.page.evaluate(READABLE))

    def wait_for(self, *texts: str) -> None:
        """All of these can be read."""
        for text in texts:
            self.page.wait_for_function(f"text => ({READABLE}).includes(text)", arg=text, timeout=30_000)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose demo has been lived through."""
    folder = tmp_path_factory.mktemp("demo")
    settings = Settings(data_dir=folder, database_url=f"sqlite:///{folder / 'vault.db'}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "FIRST_DAILY_DAY", builder.DAYS)
        builder.open_demo(settings).close()
    return folder


StartServer = Callable[..., Server]


@pytest.fixture(scope="session")
def start_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Starts dashboards on free ports, each on a copy of the demo (or of `data`), and ends them."""
    running: list[Server] = []

    def start(*flags: str, data: Path | None = None, **env: str) -> Server:
        folder = tmp_path_factory.mktemp("server")
        shutil.copytree(data or request.getfixturevalue("demo_folder"), folder / "data")
        port = int(env.pop("port", "0")) or free_port()
        log = folder / "server.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true",
                 *flags],
                cwd=ROOT, env=_environment(folder / "data", env), stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        server = Server(f"http://localhost:{port}", folder / "data", process, log)
        running.append(server)
        server.wait()
        return server

    yield start
    for server in running:
        server.process.terminate()
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def screenshot_folder(pytestconfig: pytest.Config) -> Path | None:
    """The folder of `--screenshots`; the option is known when pytest is called with this folder or a file of it."""
    folder: Path | None = pytestconfig.getoption("--screenshots", None)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _environment(data: Path, more: dict[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(CLEAR)}
    return {**inherited, "HLCORE_DATA_DIR": str(data), "HLCORE_DATABASE_URL": f"sqlite:///{data / 'vault.db'}", **more}


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as result:
        result.bind(("127.0.0.1", 0))
        return int(result.getsockname()[1])


@pytest.fixture(scope="session")
def server(start_server: StartServer) -> Server:
    """The dashboard as anybody starts it: local mode, demo."""
    return start_server()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: the machine's own, else Playwright's."""
    with sync_api.sync_playwright() as playwright:
        own = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        try:
            result = playwright.chromium.launch(executable_path=own, args=ARGS)
        except sync_api.Error as exc:
            pytest.skip(f"no Chromium can be started here: {str(exc).splitlines()[0]}")
        yield result
        result.close()


OpenWindow = Callable[..., Window]


@pytest.fixture
def window(browser: Browser) -> Iterator[OpenWindow]:
    """Opens windows on a server; every one is a visitor of its own, without cookies."""
    opened: list[Window] = []

    def new(server: Server, *, width: int = 1440, height: int = 900, dark: bool = False) -> Window:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        context.set_default_timeout(20_000)
        window = Window(context, context.new_page(), server.url)
        window.page.on("request", lambda request: _note(request, window))
        window.page.on("pageerror", lambda error: window.faults.append(str(error)))
        opened.append(window)
        return window

    yield new
    for window in opened:
        window.context.close()


SERVED = (200, 404)
"""What whoever may fetch a download is answered: Streamlit forgets the file soon after the browser has it."""


def download(window: Window) -> tuple[str, dict[str, str]]:
    """The rounds as CSV, fetched by pressing the button: the address of the file, and the headers that came with it."""
    page = window.open("/activity")
    with page.expect_response("**/media/**") as answered, page.expect_download() as downloaded:
        page.get_by_role("button", name="Download CSV").click()
    assert downloaded.value.path().read_bytes()
    assert answered.value.status == 200
    return answered.value.url, answered.value.all_headers()


def cookies_of(window: Window) -> dict[str, str]:
    """The cookies of the browser window."""
    return {str(cookie["name"]): str(cookie["value"]) for cookie in window.context.cookies()}


def _note(request: Request, window: Window) -> None:
    where = urlsplit(request.url)
    if where.scheme in ("http", "https") and where.hostname not in ("localhost", "127.0.0.1", "::1"):
        window.asked.append(where.hostname or "")
