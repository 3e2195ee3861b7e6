"""A small, stateful simulation of HighLevel's API on a loopback port, for the demo and the tests.

It follows HighLevel's published documentation and shares no code with the rest of `hlcore`: client and server agree
only because both follow the same documents. It never sends anything to anybody; what would have been a message or an
automation is counted in the ledger.

=============  ==========================================================================================
module         holds
=============  ==========================================================================================
`state`        the locations and what belongs to them, the search index, saving to a file
`routes`       what each part of the API answers
`http`         from a request's bytes to its operation and back; the server on a loopback port
`faults`       misbehaviour that tests switch on
`ledger`       every request, and what would have been sent or started
`webhooks`     signed webhook deliveries
`ids`          ids and moments
`__main__`     `python -m hlcore.sandbox`: the sandbox as a process of its own
=============  ==========================================================================================
"""

from hlcore.sandbox.faults import Fault, Faults
from hlcore.sandbox.http.server import Server, serve
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.sandbox import Sandbox

__all__ = ["Fault", "Faults", "Sandbox", "SandboxLocation", "Server", "serve"]
