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

`console.COMMANDS` names them all; a module is imported when one of its commands is run.
"""
