"""Numbers, lists and series for the dashboard and the command line: computed from facts and the clock, never stored.

================  ===============================================================================
module            holds
================  ===============================================================================
`overview`        all locations at a glance: health, contacts, deletions, API usage; `status`
`coverage`        how much of the records is captured, and when all of it will be
`deletions`       the register of deletions with what is left of the window; `deletions`
`bulk_deletions`  many deletions at once as one thing: its size, what was on the contacts
`daily`           deletions and returns per day
`contact_record`  everything about one contact (`show`), and what a merge moved to its winner
================  ===============================================================================

`status`, `deletions` and `show` are commands; functions named `…_json` return their JSON.
"""
