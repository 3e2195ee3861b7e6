"""Compare this checkout with another version of Contact Vault on the same data.

    python -m tests.support.compare_versions OTHER_CHECKOUT [--python OTHER_PYTHON] [--contacts N]

Two sandboxes with the same seed live through the same events. Both vaults are made by the other version; then one is
carried on by the other version and one by this checkout. The JSON of every command, and every exported file, must be
equal except for moments, durations and ids of what was created meanwhile. A restore that the other version began and
that was killed must be finished by this checkout with every contact created exactly once, and the other version's demo
must open without being built again. Exits with 1 and prints each difference.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parents[2]
LOCATION, TOKEN, SEED = "sandboxLocation00001", "pit-sandbox", 7
KINDS = ("contacts", "deletions", "notes", "tasks", "opportunities", "messages", "versions")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?|\b1[5-9]\d{11}\b|\b\d\d:\d\d\b")
"""ISO 8601, milliseconds since 1970, and times of day in sentences."""
UNEQUAL = {"seconds", "bytes", "sha256", "new_id", "job_id", "run_id", "version_id", "job", "new_contact_id", "done_by"}
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Version": "2021-07-28"}
DEMO = (
    "import sys; from pathlib import Path; from hlcore.settings import Settings; "
    "from hlcore.demo.builder import open_demo; "
    "context = open_demo(Settings(data_dir=Path(sys.argv[1]))); context.close()"
)


@dataclass
class Version:
    """A checkout and the interpreter that runs it."""

    folder: Path
    python: str

    def run(self, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `python -m hlcore` with these words."""
        command = [self.python, "-m", "hlcore", *words]
        merged = {**os.environ, **(env or {})}
        return subprocess.run(command, cwd=self.folder, env=merged, capture_output=True, text=True, check=False)


@dataclass
class World:
    """One sandbox and one vault. `drive` runs a command of a version on them and returns its exit code and JSON."""

    url: str
    folder: Path
    steps: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """The four documented settings."""
        return {
            "HLCORE_API_URL": self.url,
            "HLCORE_LOCATION_ID": LOCATION,
            "HLCORE_TOKEN": TOKEN,
            "HLCORE_DATABASE_URL": f"sqlite:///{self.folder}/vault.db",
            "HLCORE_DATA_DIR": str(self.folder),
        }

    def drive(self, version: Version, *words: str) -> Any:
        """Run the command; keep its masked result under its words."""
        done = version.run(*words, "--json", env=self.env)
        try:
            value = json.loads(done.stdout) if done.stdout.strip() else None
        except ValueError:
            value = done.stdout
        self.steps.append((" ".join(words).replace(str(self.folder), ""), masked([done.returncode, value])))
        if done.returncode not in (0, 1):
            self.steps.append(("stderr", done.stderr[-400:]))
        return value

    def delete(self, contact_ids: list[str]) -> None:
        """Delete these contacts in HighLevel."""
        with httpx.Client(base_url=self.url, headers=HEADERS, timeout=30) as client:
            for contact_id in contact_ids:
                client.delete(f"/contacts/{contact_id}").raise_for_status()

    def names(self) -> list[str]:
        """The names of all living contacts, sorted."""
        with httpx.Client(base_url=self.url, headers=HEADERS, timeout=30) as client:
            body: dict[str, Any] = {"locationId": LOCATION, "pageLimit": 500}
            found = client.post("/contacts/search", json=body).raise_for_status().json()["contacts"]
        return sorted(f"{one.get('firstName')} {one.get('lastName')} {one.get('email')}" for one in found)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the vault, read beside whatever runs."""
        with closing(sqlite3.connect(f"file:{self.folder}/vault.db?mode=ro", uri=True, timeout=30)) as raw:
            return raw.execute(sql).fetchall()


def masked(value: Any) -> Any:
    """The value without what differs from run to run."""
    if isinstance(value, dict):
        return {key: "·" if key in UNEQUAL else masked(found) for key, found in value.items()}
    if isinstance(value, list):
        return [masked(found) for found in value]
    if isinstance(value, float):
        return round(value, 1)
    return MOMENT.sub("·", str(value)) if isinstance(value, str) or (type(value) is int and value > 10**12) else value


def difference(other: Any, this: Any, path: str = "") -> str:
    """The first place where two values differ."""
    if isinstance(other, dict) and isinstance(this, dict) and other.keys() == this.keys():
        return next(difference(other[key], this[key], f"{path}.{key}") for key in other if other[key] != this[key])
    if isinstance(other, list) and isinstance(this, list) and len(other) == len(this):
        pairs = enumerate(zip(other, this, strict=True))
        return next(difference(a, b, f"{path}[{at}]") for at, (a, b) in pairs if a != b)
    return f"{path} {str(other)[:300]!r} != {str(this)[:300]!r}"


@contextmanager
def sandbox(version: Version, contacts: int, folder: Path, latency: float = 0) -> Iterator[World]:
    """A sandbox of this version as a process of its own, and an empty folder for the vault."""
    folder.mkdir(parents=True)
    words = ["--contacts", str(contacts), "--seed", str(SEED), "--no-rate-limit", "--latency-ms", str(latency)]
    command = [version.python, "-m", "hlcore.sandbox", *words]
    with subprocess.Popen(command, cwd=version.folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield World(json.loads(process.stdout.readline())["url"], folder)
        finally:
            process.terminate()


def live_through(worlds: list[World], versions: list[Version], other: Version) -> None:
    """The same events in every world: made by `other`, carried on by the world's own version."""
    for world, version in zip(worlds, versions, strict=True):
        for words in (["connect", LOCATION], ["sync"], ["capture"]):
            world.drive(other, *words)
        ids = sorted(row[0] for row in world.query("SELECT contact_id FROM contacts"))
        gone, left = ids[:12], ids[20]
        world.delete(gone)
        world.drive(other, "sync")
        follow(world, version, gone, left)


def follow(world: World, version: Version, gone: list[str], left: str) -> None:
    """Every command of the contract."""
    for words in (["status"], ["deletions"], ["deletions", "--status", "deleted"], ["verify"], ["verify", "--live"]):
        world.drive(version, *words)
    for contact_id in (gone[0], left, "nobody"):
        world.drive(version, "show", contact_id)
    world.drive(version, "restore", *gone[:6], "--plan")
    world.drive(version, "restore", *gone[:6], "--plan", "--path", "recreate")
    for kind in KINDS:
        for mode in ("safe", "exact"):
            out = world.folder / f"{kind}-{mode}.csv"
            world.drive(version, "export", kind, "--out", str(out), "--mode", mode)
            world.steps.append((f"{kind} {mode}", masked(out.read_text(encoding="utf-8").splitlines())))
    world.drive(version, "restore", *gone[:6], "--yes", "--path", "recreate")
    world.drive(version, "restore", gone[6], "--plan", "--leave-out", "tags")
    for words in (["watch"], ["sync", "--full"], ["capture", "--max-requests", "40"], ["status"], ["deletions"]):
        world.drive(version, *words)
    world.drive(version, "show", gone[0])
    world.drive(version, "frobnicate")


def finish_killed_restore(other: Version, this: Version, folder: Path, contacts: int) -> list[str]:
    """A restore that `other` began is killed in the middle; the worker of `this` ends it. What was wrong."""
    with sandbox(other, contacts, folder, latency=20) as world:
        for words in (["connect", LOCATION], ["sync"], ["capture"]):
            world.drive(other, *words)
        before = world.names()
        gone = sorted(row[0] for row in world.query("SELECT contact_id FROM contacts"))[:25]
        world.delete(gone)
        world.drive(other, "sync")
        command = [other.python, "-m", "hlcore", "restore", *gone, "--yes", "--path", "recreate", "--json"]
        env = {**os.environ, **world.env}
        with subprocess.Popen(command, cwd=other.folder, env=env, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and world.query("SELECT count(*) FROM journal")[0][0] < 30:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
        open_items = world.query("SELECT count(*) FROM restore_items WHERE outcome = ''")[0][0]
        command = [this.python, "-m", "hlcore", "worker"]
        with subprocess.Popen(command, cwd=this.folder, env=env, stderr=subprocess.DEVNULL) as worker:
            deadline = time.monotonic() + 240
            while (
                time.monotonic() < deadline
                and world.query("SELECT count(*) FROM restore_items WHERE outcome = ''")[0][0]
            ):
                time.sleep(0.5)
            worker.terminate()
        outcomes = world.query("SELECT outcome, verified, count(*) FROM restore_items GROUP BY outcome, verified")
        print(f"killed restore: {open_items} of {len(gone)} contacts were open; afterwards {outcomes}")
        wrong = [] if open_items else ["the restore was over before it was killed"]
        if [row[0] for row in outcomes] != ["recreated"]:
            wrong.append(f"outcomes {outcomes}")
        if world.names() != before:
            wrong.append("the living contacts differ from those before the deletion")
        return wrong


def open_old_demo(other: Version, this: Version, folder: Path) -> list[str]:
    """The demo that `other` built opens with `this`, and is not built again."""
    other.run("demo", env={"HLCORE_DATA_DIR": str(folder)})
    vaults = list(folder.rglob("*.db"))
    sizes = {path: path.stat().st_ino for path in vaults}
    command = [this.python, "-c", DEMO, str(folder)]
    done = subprocess.run(command, cwd=this.folder, capture_output=True, text=True, check=False)
    print(f"demo of the other version: {len(vaults)} database files, opened with exit code {done.returncode}")
    if done.returncode:
        return [done.stderr[-400:]]
    same = vaults and all(path.exists() and path.stat().st_ino == sizes[path] for path in vaults)
    return [] if same else ["the demo was built again"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("other", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--contacts", type=int, default=200)
    options = parser.parse_args()
    other, this = Version(options.other, options.python), Version(HERE, sys.executable)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            sandbox(other, options.contacts, folder / "a") as first,
            sandbox(other, options.contacts, folder / "b") as second,
        ):
            live_through([first, second], [other, this], other)
        pairs = zip(first.steps, second.steps, strict=True)
        wrong = [f"{a[0]}: {difference(a[1], b[1])}" for a, b in pairs if a != b]
        print(f"{len(first.steps)} results compared, {len(wrong)} differ")
        wrong += finish_killed_restore(other, this, folder / "c", options.contacts)
        wrong += open_old_demo(other, this, folder / "demo")
    print("\n".join(wrong) or "Equal.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
