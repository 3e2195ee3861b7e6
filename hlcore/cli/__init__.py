"""The command line: `python -m hlcore COMMAND`.

=============  =======================================================
module         commands
=============  =======================================================
`setup`        connect, new-vault, new-key, worker, demo
`sync`         sync, watch, capture
`inspect`      status, deletions, show, verify
`restore`      restore
`export`       export
`console`      (shared by all: context, progress, output, exit codes)
=============  =======================================================

Importing this package registers every command on `console.app`.
"""

from hlcore.cli import export, inspect, restore, setup, sync
from hlcore.cli.console import app, main

__all__ = ["app", "export", "inspect", "main", "restore", "setup", "sync"]
