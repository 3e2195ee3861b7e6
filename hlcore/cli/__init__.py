"""The command line's commands.

=============  ==================================================
module         commands
=============  ==================================================
`setup`        connect, worker, demo
`sync`         sync, watch, capture
`inspect`      status, deletions, show, verify
`restore`      restore, its choices, and its plan as CSV
`export`       export
`console`      what they share
=============  ==================================================
"""

from hlcore.cli import export, inspect, restore, setup, sync
from hlcore.cli.console import app, main

__all__ = ["app", "export", "inspect", "main", "restore", "setup", "sync"]
