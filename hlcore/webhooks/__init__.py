"""HighLevel's webhooks: from a delivery over HTTP to what is true in the vault.

==================  ==========================================================
module              holds
==================  ==========================================================
`receiver`          the route: verifies deliveries and stores them in the inbox
`processor`         works off the inbox, one process at a time
`events`            which lookups deliveries need, and the result of each
`contact_events`    updates contacts and deletions from those lookups
==================  ==========================================================
"""
