"""Contact Vault: an independent copy of every HighLevel contact, and the way back for the deleted ones.

From the top; a package never imports a higher one (checked by import-linter, contracts in `pyproject.toml`).

===================  ====================================================================================
module or package    what it is for
===================  ====================================================================================
`__main__`           `python -m hlcore`: starts `cli`
`cli`, `ui`          the commands; what the dashboard's pages show and do
`runtime`            one per dashboard process: start-up, demo or real vault, worker, background tasks
`worker`             does what is due in the background; tasks that outlive a page
`demo`               sixty invented days on the sandbox, in a vault of their own
`webhooks`           HighLevel's webhook deliveries, from the route to the vault
`accounts`           connects locations, by token or OAuth app, and changes their settings
`app_context`        what one process shares: the vault, and a client per location
`restore`            writes back: plan, execute, verify, undo, revert
`sync`               reads: listing, watch for deletions, capture of details and records
`export`             CSV files that the customer owns
`metrics`            numbers and series for the pages and commands
`tokens`             tokens of the OAuth app, which renew themselves
`location_context`   what a use case needs to work on one location
`governance`         who may do what, and the audit log
`highlevel`          the only package that sends HTTP requests to HighLevel
`store`              the only package with SQL
`model`              pure: contacts, diffs, statuses, causes, windows, planning
`settings`           settings, read once into a frozen value
`private_files`      files and folders that only this user of the machine may open
`errors`             every exception raised on purpose, as one tree
`log_privacy`        keeps personal data out of logs
`network_addresses`  addresses of hosts and pages, judged the same way wherever trust depends on them
`sandbox`            stands apart: an invented HighLevel over HTTP, for tests and the demo
===================  ====================================================================================

`DESIGN.md` beside this file holds the invariants and the reasons.
"""

__version__ = "0.1.0"
