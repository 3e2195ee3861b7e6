"""A small, stateful HighLevel on a loopback port: the demo's other side and the tests' other side.

It follows HighLevel's published documentation and shares no code with the rest of ``hlcore``, so that two sides
of a wire agree only because both follow the same documents. It never sends anything to anybody: what would have
been a message or an automation is counted in the ledger.

=============  ==========================================================================================
module         holds
=============  ==========================================================================================
``world``      `Sandbox`: locations, tokens, the ledger, the clock; saving and loading
``location``   `Location`: contacts as its users see them (create, edit, delete, restore, merge, fill)
``related``    what hangs on contacts and on the account (notes, tasks, opportunities, users, …)
``index``      the search index, which may lag behind; ``order`` keeps it sorted, ``search`` reads it
``faults``     misbehaviour that tests switch on
``app``        the HTTP side (Starlette); ``routes_*`` answer, ``contract`` says what may be asked
``server``     runs it on a loopback port, in a thread or as ``python -m hlcore.sandbox``
=============  ==========================================================================================
"""

from hlcore.sandbox.faults import Fault, Faults
from hlcore.sandbox.http.server import Server, serve
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.sandbox import Sandbox

__all__ = ["Fault", "Faults", "Sandbox", "SandboxLocation", "Server", "serve"]
