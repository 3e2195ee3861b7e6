"""Let two processes renew one OAuth token at once, many times, and kill one in the middle of a renewal.

    python -m tests.benchmarks.token_race [--times 1000] [--postgres URL]

A refresh token works once. In each round the access token has just expired and both processes ask for a token at the
same moment. Prints how often HighLevel was asked for a new pair (the floor: once a round), how often it answered
`invalid_grant`, and whether both processes got the same working token. Then a process is killed between HighLevel's
answer and the storing of the new pair; prints what the Settings page says about it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import signal
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from hlcore.errors import GrantLost
from hlcore.highlevel.oauth import OAuth
from hlcore.sandbox import Sandbox, serve
from hlcore.settings import Settings
from hlcore.store import Vault, oauth_grants
from hlcore.store.encryption import Cipher
from hlcore.tokens import TokenManager

LOCATION = "locRace0000000000001"


class Shifted:
    """The real clock, some days ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.monotonic, self.sleep = time.monotonic, time.sleep

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def keys(settings: Settings) -> tuple[TokenManager, Shifted]:
    clock = Shifted()
    return TokenManager(Vault.open(settings.database_url), Cipher("race"), OAuth(settings, clock), clock), clock


def racer(settings: Settings, times: int, start: object, results: object) -> None:
    mine, clock = keys(settings)
    found = []
    for number in range(1, times + 1):
        clock.ahead = timedelta(days=number)
        start.wait()
        try:
            found.append(mine.access_token("location", LOCATION))
        except Exception as exc:
            found.append(f"{type(exc).__name__}: {exc}")
    results.put(found)


def killed(settings: Settings, days: int) -> None:
    mine, clock = keys(settings)
    clock.ahead = timedelta(days=days)
    ask = mine.oauth.refresh

    def answered(refresh: str, user_type: str) -> object:
        ask(refresh, user_type)
        os.kill(os.getpid(), signal.SIGKILL)

    mine.oauth.refresh = answered  # type: ignore[method-assign,assignment]
    mine.access_token("location", LOCATION)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1_000)
    parser.add_argument("--postgres", default="")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="race-"))
    sandbox = Sandbox(lambda: datetime.now(UTC), seed=1)
    sandbox.add_location(LOCATION, "Race").fill(1)
    sandbox.add_app("race-app", "secret")
    spawn = mp.get_context("spawn")
    with serve(sandbox) as server:
        settings = Settings(
            database_url=options.postgres or f"sqlite:///{folder}/vault.db", data_dir=folder, api_url=server.url,
            client_id="race-app", client_secret=SecretStr("secret"), redirect_uri="https://vault.example.com/oauth/callback",
        )  # fmt: skip
        mine, clock = keys(settings)
        mine.save(mine.oauth.exchange(sandbox.authorize(LOCATION)))
        before = len(sandbox.ledger.entries)
        start, results = spawn.Barrier(2), spawn.Queue()
        racers = [spawn.Process(target=racer, args=(settings, options.times, start, results)) for _ in range(2)]
        began = time.monotonic()
        for each in racers:
            each.start()
        one, other = results.get(), results.get()
        seconds = time.monotonic() - began
        for each in racers:
            each.join()
        asked = [entry for entry in sandbox.ledger.entries[before:] if entry.path == "/oauth/token"]
        report = {
            "rounds": options.times, "seconds": round(seconds, 1), "asked_for_new_pairs": len(asked),
            "invalid_grant": sum(entry.status == 400 for entry in asked),
            "same_working_token": sum(a == b and a in sandbox.tokens for a, b in zip(one, other, strict=True)),
            "odd": [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]][:3],
        }  # fmt: skip
        victim = spawn.Process(target=killed, args=(settings, options.times + 1))
        victim.start()
        victim.join()
        clock.ahead = timedelta(days=options.times + 1)
        try:
            mine.access_token("location", LOCATION)
            report["after_the_kill"] = "still works"
        except GrantLost as exc:
            report["after_the_kill"] = f"{exc} {exc.hint}"
        mine.save(mine.oauth.exchange(sandbox.authorize(LOCATION)))
        with mine.vault.read() as tx:
            kept = oauth_grants.get(tx, "location", LOCATION)
        works = mine.access_token("location", LOCATION) in sandbox.tokens
        report["after_connecting_again"] = works and kept.trouble == ""
        print(json.dumps(report))


if __name__ == "__main__":
    main()
