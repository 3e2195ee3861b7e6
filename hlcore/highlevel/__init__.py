"""The only room that speaks HTTP to HighLevel.

===============  =====================================================================================
module           holds
===============  =====================================================================================
`endpoints`      the table of every request that can be sent: method, path, version, scope, repeatable
`client`         `Client`; its calls stand in `contacts`, `related`, `conversations`, `account`
`calls`          one call: attempts, pauses, and what is true when they are over
`answers`        what an answer means; `wording` reads HighLevel's sentences without repeating a value
`shapes`         what calls answer with; `slices` cuts it out of the JSON byte for byte
`limiter`        the budget of 10 seconds; `budget` that of the day; `rate_headers` reads the headers
`wire`           one request in bytes (httpx); `clock` is time, injected
`connection`     `connect`, and the limiters that clients of one location share
===============  =====================================================================================
"""

from hlcore.highlevel.client import Client, ClientOptions, connect
from hlcore.highlevel.clock import Clock, SystemClock
from hlcore.highlevel.endpoints import ENDPOINTS, Endpoint
from hlcore.highlevel.rate_limit.limiter import Limiter, Permit, Priority
from hlcore.highlevel.types import ApiResponse, RecordPage, SearchPage, SentRequest

__all__ = [
    "ENDPOINTS",
    "ApiResponse",
    "Client",
    "ClientOptions",
    "Clock",
    "Endpoint",
    "Limiter",
    "Permit",
    "Priority",
    "RecordPage",
    "SearchPage",
    "SentRequest",
    "SystemClock",
    "connect",
]
