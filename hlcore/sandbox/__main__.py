"""``python -m hlcore.sandbox``: the sandbox as a process of its own, on a loopback port."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hlcore.sandbox.http.server import HOST, build_server, open_listener
from hlcore.sandbox.state import persistence
from hlcore.sandbox.state.sandbox import Sandbox

NO_LIMIT = 1_000_000


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m hlcore.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free port")
    parser.add_argument("--contacts", type=int, default=1000, help="how many invented contacts to start with")
    parser.add_argument("--location", default="sandboxLocation00001", help="the location's id")
    parser.add_argument("--name", default="Sandbox Dental Group")
    parser.add_argument("--timezone", default="America/New_York")
    parser.add_argument("--token", default="pit-sandbox")
    parser.add_argument("--seed", type=int, default=0, help="decides every id and every invented contact")
    parser.add_argument("--latency-ms", type=float, default=0, help="added to every answer")
    parser.add_argument("--lag", type=float, default=0, help="seconds until search shows a write")
    parser.add_argument("--no-rate-limit", action="store_true", help="allow a million requests in 10 seconds")
    parser.add_argument("--allow-duplicates", action="store_true")
    parser.add_argument("--state", type=Path, help="load this file if it exists; save to it at the end")
    return parser.parse_args(argv)


def build_sandbox(options: argparse.Namespace) -> Sandbox:
    """Return the sandbox that these options describe."""
    sandbox = Sandbox(lambda: datetime.now(UTC), seed=options.seed)
    if options.state and options.state.exists():
        persistence.load(sandbox, options.state)
    else:
        location = sandbox.add_location(
            options.location, options.name, options.timezone,
            token=options.token, allow_duplicates=options.allow_duplicates,
        )  # fmt: skip
        location.fill(options.contacts)
    for location in sandbox.locations.values():
        location.faults.lag = options.lag
        location.rate_limit.enforced = True
        if options.no_rate_limit:
            location.rate_limit.burst, location.rate_limit.daily = NO_LIMIT, NO_LIMIT * 1000
        location.rate_limit.real_time = True
        if options.latency_ms:
            location.faults.on("latency", seconds=options.latency_ms / 1000)
    return sandbox


def main(argv: list[str] | None = None) -> int:
    options = parse_arguments(argv)
    sandbox = build_sandbox(options)
    listener = open_listener(options.port)
    first = next(iter(sandbox.locations))
    hello: dict[str, object] = {"url": f"http://{HOST}:{listener.getsockname()[1]}", "location_id": first}
    hello |= {"token": sandbox.token_of(first), "contacts": sandbox.sizes()[first]}
    sys.stdout.write(json.dumps(hello) + "\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        build_server(sandbox).run_on(listener)
    if options.state:
        persistence.save(sandbox, options.state)
    return 0


if __name__ == "__main__":
    sys.exit(main())
