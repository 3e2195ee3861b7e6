"""The only package that sends HTTP requests to HighLevel.

====================  ================================================================================
module                holds
====================  ================================================================================
`client`              `Client`: every request of one location, as a method
`api`                 the client's methods, by subject: contacts, records, conversations, location
`endpoints`           the table of all requests: method, path, version, scope, repeatable
`calls`               one call: attempts, delays between them, and the error that remains
`transport`           one request in bytes (httpx)
`rate_limit`          requests per 10 seconds and per day
`error_mapping`       which error an answer means, without repeating a value out of it
`json_slices`         cuts records out of JSON byte for byte
`types`               what calls return
`search_filters`      filters and sort orders of the contact search
`oauth`               the Marketplace app: installation link, token pairs, installed locations
`webhook_signature`   signatures of webhook deliveries, and the events in them
`clock`               time, injected
====================  ================================================================================
"""

from hlcore.highlevel.client import Client, ClientOptions
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
]
