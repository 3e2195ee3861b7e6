"""HighLevel's own Python SDK is an independent client: what it can do on HighLevel it can do here."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from hlcore.sandbox import serve

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
