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

ROOT = Path(__file__).parents[2]
LOCATION, TOKEN, SEED = "sandboxLocation00001", "pit-sandbox", 7
KINDS = ("contacts", "deletions", "notes", "tasks", "opportunities", "messages", "versions")
MOMENTS = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?|\b1[5-9]\d{11}\b|\b\d\d:\d\d\b")
"""Matches ISO 8601, milliseconds since 1970, and times of day in sentences."""
MASKED_KEYS = {
    "seconds", "bytes", "sha256", "new_id", "job_id", "run_id", "version_id", "job", "new_contact_id", "done_by",
}  # fmt: skip
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Version": "2021-07-28"}
DEMO = (
    "import sys; from pathlib import Path; from hlcore.settings import Settings; "
    "from hlcore.demo.builder import open_demo; "
    "context = open_demo(Settings(data_dir=Path(sys.argv[1]))); context.close()"
)


@dataclass
class Version:
    """A checkout and the interpreter to run it with."""

    folder: Path
    python: str

    def run(self, *args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `python -m hlcore` with these arguments."""
        command = [self.python, "-m", "hlcore", *args]
        merged = {**os.environ, **(env or {})}
        return subprocess.run(command, cwd=self.folder, env=merged, capture_output=True, text=True, check=False)


@dataclass
class World:
    """One sandbox and one vault. ``steps``: the masked result of every command, by its arguments."""

    url: str
    folder: Path
    steps: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """Return the settings that every command runs with."""
        return {
            "HLCORE_API_URL": self.url,
            "HLCORE_LOCATION_ID": LOCATION,
            "HLCORE_TOKEN": TOKEN,
            "HLCORE_DATABASE_URL": f"sqlite:///{self.folder}/vault.db",
            "HLCORE_DATA_DIR": str(self.folder),
        }

    def run_step(self, version: Version, *args: str) -> Any:
        """Run the command, record its masked exit code and JSON, and return the JSON."""
        result = version.run(*args, "--json", env=self.env)
        try:
            value = json.loads(result.stdout) if result.stdout.strip() else None
        except ValueError:
            value = result.stdout
        self.steps.append((" ".join(args).replace(str(self.folder), ""), masked([result.returncode, value])))
        if result.returncode not in (0, 1):
            self.steps.append(("stderr", result.stderr[-400:]))
        return value

    def delete(self, contact_ids: list[str]) -> None:
        """Delete these contacts in HighLevel."""
        with httpx.Client(base_url=self.url, headers=HEADERS, timeout=30) as client:
            for contact_id in contact_ids:
                client.delete(f"/contacts/{contact_id}").raise_for_status()

    def names(self) -> list[str]:
        """Return the names and e-mails of all live contacts, sorted."""
        with httpx.Client(base_url=self.url, headers=HEADERS, timeout=30) as client:
            body: dict[str, Any] = {"locationId": LOCATION, "pageLimit": 500}
            rows = client.post("/contacts/search", json=body).raise_for_status().json()["contacts"]
        return sorted(f"{row.get('firstName')} {row.get('lastName')} {row.get('email')}" for row in rows)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return rows of the vault, which may be in use by another process."""
        with closing(sqlite3.connect(f"file:{self.folder}/vault.db?mode=ro", uri=True, timeout=30)) as raw:
            return raw.execute(sql).fetchall()


def masked(value: Any) -> Any:
    """Return the value without what differs from run to run."""
    if isinstance(value, dict):
        return {key: "·" if key in MASKED_KEYS else masked(found) for key, found in value.items()}
    if isinstance(value, list):
        return [masked(found) for found in value]
    if isinstance(value, float):
        return round(value, 1)
    return MOMENTS.sub("·", str(value)) if isinstance(value, str) or (type(value) is int and value > 10**12) else value


def difference(other: Any, this: Any, path: str = "") -> str:
    """Describe the first difference between two values."""
    if isinstance(other, dict) and isinstance(this, dict) and other.keys() == this.keys():
        return next(difference(other[key], this[key], f"{path}.{key}") for key in other if other[key] != this[key])
    if isinstance(other, list) and isinstance(this, list) and len(other) == len(this):
        pairs = enumerate(zip(other, this, strict=True))
        return next(difference(a, b, f"{path}[{at}]") for at, (a, b) in pairs if a != b)
    return f"{path} {str(other)[:300]!r} != {str(this)[:300]!r}"


@contextmanager
def sandbox(version: Version, contacts: int, folder: Path, latency: float = 0) -> Iterator[World]:
    """Run a sandbox of this version as a process of its own, with an empty folder for the vault."""
    folder.mkdir(parents=True)
    args = ["--contacts", str(contacts), "--seed", str(SEED), "--no-rate-limit", "--latency-ms", str(latency)]
    command = [version.python, "-m", "hlcore.sandbox", *args]
    with subprocess.Popen(command, cwd=version.folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield World(json.loads(process.stdout.readline())["url"], folder)
        finally:
            process.terminate()


def run_events(worlds: list[World], versions: list[Version], other: Version) -> None:
    """Let the same events happen in every world: `other` creates its vault, the world's own version carries on."""
    for world, version in zip(worlds, versions, strict=True):
        for args in (["connect", LOCATION], ["sync"], ["capture"]):
            world.run_step(other, *args)
        ids = sorted(row[0] for row in world.query("SELECT contact_id FROM contacts"))
        deleted_ids, kept_id = ids[:12], ids[20]
        world.delete(deleted_ids)
        world.run_step(other, "sync")
        run_commands(world, version, deleted_ids, kept_id)


def run_commands(world: World, version: Version, deleted_ids: list[str], kept_id: str) -> None:
    """Run every command, with the vault that the other version created."""
    for args in (["status"], ["deletions"], ["deletions", "--status", "deleted"], ["verify"], ["verify", "--live"]):
        world.run_step(version, *args)
    for contact_id in (deleted_ids[0], kept_id, "nobody"):
        world.run_step(version, "show", contact_id)
    world.run_step(version, "restore", *deleted_ids[:6], "--plan")
    world.run_step(version, "restore", *deleted_ids[:6], "--plan", "--path", "recreate")
    for kind in KINDS:
        for mode in ("safe", "exact"):
            out = world.folder / f"{kind}-{mode}.csv"
            world.run_step(version, "export", kind, "--out", str(out), "--mode", mode)
            world.steps.append((f"{kind} {mode}", masked(out.read_text(encoding="utf-8").splitlines())))
    world.run_step(version, "restore", *deleted_ids[:6], "--yes", "--path", "recreate")
    world.run_step(version, "restore", deleted_ids[6], "--plan", "--leave-out", "tags")
    for args in (["watch"], ["sync", "--full"], ["capture", "--max-requests", "40"], ["status"], ["deletions"]):
        world.run_step(version, *args)
    world.run_step(version, "show", deleted_ids[0])
    world.run_step(version, "frobnicate")


def finish_killed_restore(other: Version, this: Version, folder: Path, contacts: int) -> list[str]:
    """Kill a restore that `other` began and let the worker of `this` finish it. Return what went wrong."""
    with sandbox(other, contacts, folder, latency=20) as world:
        for args in (["connect", LOCATION], ["sync"], ["capture"]):
            world.run_step(other, *args)
        before = world.names()
        deleted_ids = sorted(row[0] for row in world.query("SELECT contact_id FROM contacts"))[:25]
        world.delete(deleted_ids)
        world.run_step(other, "sync")
        command = [other.python, "-m", "hlcore", "restore", *deleted_ids, "--yes", "--path", "recreate", "--json"]
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
        print(f"killed restore: {open_items} of {len(deleted_ids)} contacts were open; afterwards {outcomes}")
        problems = [] if open_items else ["the restore was over before it was killed"]
        if [row[0] for row in outcomes] != ["recreated"]:
            problems.append(f"outcomes {outcomes}")
        if world.names() != before:
            problems.append("the living contacts differ from those before the deletion")
        return problems


def open_old_demo(other: Version, this: Version, folder: Path) -> list[str]:
    """Open the demo that `other` built with `this`. Return what went wrong, as when it is built again."""
    other.run("demo", env={"HLCORE_DATA_DIR": str(folder)})
    vaults = list(folder.rglob("*.db"))
    sizes = {path: path.stat().st_ino for path in vaults}
    command = [this.python, "-c", DEMO, str(folder)]
    result = subprocess.run(command, cwd=this.folder, capture_output=True, text=True, check=False)
    print(f"demo of the other version: {len(vaults)} database files, opened with exit code {result.returncode}")
    if result.returncode:
        return [result.stderr[-400:]]
    same = vaults and all(path.exists() and path.stat().st_ino == sizes[path] for path in vaults)
    return [] if same else ["the demo was built again"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("other", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--contacts", type=int, default=200)
    options = parser.parse_args()
    other, this = Version(options.other, options.python), Version(ROOT, sys.executable)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            sandbox(other, options.contacts, folder / "a") as first,
            sandbox(other, options.contacts, folder / "b") as second,
        ):
            run_events([first, second], [other, this], other)
        pairs = zip(first.steps, second.steps, strict=True)
        problems = [f"{a[0]}: {difference(a[1], b[1])}" for a, b in pairs if a != b]
        print(f"{len(first.steps)} results compared, {len(problems)} differ")
        problems += finish_killed_restore(other, this, folder / "c", options.contacts)
        problems += open_old_demo(other, this, folder / "demo")
    print("\n".join(problems) or "Equal.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
