"""The sandbox as a process of its own, and HighLevel's own SDK as an independent client of it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from hlcore.sandbox import serve
from hlcore.sandbox.http.server import build_server, open_listener

highlevel = pytest.importorskip("highlevel", reason="HighLevel's SDK is not installed")


def test_highlevels_own_sdk_creates_reads_lists_and_deletes(sandbox, location):
    class Client(highlevel.HighLevel):
        BASE_URL = ""

    async def story(url: str) -> None:
        Client.BASE_URL = url
        client = Client(private_integration_token="pit-dental")
        body = {"locationId": "dental", "firstName": "Ana", "dndSettings": {"sms": {"status": "active"}}}
        created = await client.contacts.create_contact(body)
        id_ = created["contact"]["id"]
        read = await client.contacts.get_contact(id_)
        assert read["contact"]["dndSettings"]["sms"]["status"] == "active"
        found = await client.contacts.search_contacts_advanced({"locationId": "dental", "pageLimit": 10})
        assert [row["id"] for row in found["contacts"]] == [id_]
        assert (await client.contacts.delete_contact(id_))["succeeded"] is True
        await client.http_client.aclose()

    # a thread of its own: a browser test may have left a running loop in this one
    with serve(sandbox) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, story(server.url)).result()
    assert not location.contacts
    assert sandbox.ledger.off_contract == []


def test_the_process_says_where_it_is_and_answers_there():
    command = [sys.executable, "-m", "hlcore.sandbox", "--contacts", "30", "--latency-ms", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        hello = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {hello['token']}", "Version": "2021-07-28"}
        body = {"locationId": hello["location_id"], "pageLimit": 1}
        answer = httpx.post(hello["url"] + "/contacts/search", json=body, headers=headers)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
    assert (answer.json()["total"], answer.headers["X-RateLimit-Remaining"]) == (30, "99")


def test_a_server_that_ends_at_its_own_next_look_is_stopped_without_an_error(sandbox):
    """A busy machine may leave the thread that stops it waiting until the server has noticed and gone."""
    server = build_server(sandbox)
    with open_listener() as listener:
        thread = threading.Thread(target=server.run_on, args=(listener,))
        thread.start()
        wake = server._loop.call_soon_threadsafe

        def wake_late(*call):
            if server.should_exit:
                thread.join()
            wake(*call)

        server._loop.call_soon_threadsafe = wake_late
        server.stop()
        thread.join()
