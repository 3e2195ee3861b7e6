"""The command line's commands.

=============  ==================================================
module         commands
=============  ==================================================
`setup`        connect, worker, demo
`reading`      sync, watch, capture, status, deletions, show, verify
`capturing`    capture
`giving`       restore, export
`deciding`     the choices of a restore, and its plan as CSV
`console`      what they share
=============  ==================================================
"""

from hlcore.cli import capturing, giving, reading, setup
from hlcore.cli.console import app, main

__all__ = ["app", "capturing", "giving", "main", "reading", "setup"]
