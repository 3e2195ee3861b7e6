"""Contact Vault: an independent copy of every HighLevel contact, and the way back for the deleted ones.

=================  ======================================================================================
room               what it is for
=================  ======================================================================================
`errors`           everything raised on purpose, as one tree
`settings`         settings, read once into a frozen value
`model`            PURE: what a contact is, its life, windows, causes, health, planning, fidelity
`highlevel`        the only room that speaks HTTP to HighLevel
`store`            the only room with SQL
`governance`       who may do what, and the record of what was done
`sync`             use cases that read: listing, watch, capture, webhooks, accounts
`restore`          use cases that write back: plan, execute, verify
`export`           CSV files that the customer owns
`metrics`          numbers and series for people
`wiring`           puts the rooms together: one vault, one client per location
`worker`           what is due, done in the background
`cli`, `ui`        what the command line and the pages share
`demo`, `sandbox`  an invented HighLevel on loopback, and sixty days of life on it
=================  ======================================================================================

`DESIGN.md` beside this file holds the invariants and the reasons.
"""

__version__ = "0.1.0"
