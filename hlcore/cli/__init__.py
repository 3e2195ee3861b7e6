"""The command line's commands.

=============  ==================================================
module         commands
=============  ==================================================
`setup`        connect, worker, demo
`reading`      sync, status, deletions, show, verify
`giving`       restore, export
`console`      what they share
=============  ==================================================
"""

from hlcore.cli import giving, reading, setup
from hlcore.cli.console import app, main

__all__ = ["app", "giving", "main", "reading", "setup"]
