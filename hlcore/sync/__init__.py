"""Copying a location from HighLevel and noticing what was deleted.

=================  ===============================================================================
module             what it holds
=================  ===============================================================================
`run_context`      A sync run: rules, state, beginning, end and report
`listing`          The full sync: list every contact, suspect the missing ones
`watch`            The cheap check between full syncs: compare counts, list only where they differ
`contact_lookup`   Fetch contacts by id, the proof of whether one exists
`confirm`          Resolve suspects by id; mark returned contacts
`deletion_cause`   Record a loss and its cause: merge, bulk action or unknown
`capture`          Details and records of contacts, and the location's reference lists
`location_record`  HighLevel's record of the location; whether the token belongs to it
`integrity`        Check the vault against itself and against HighLevel
=================  ===============================================================================
"""
