"""The rules of the product as pure functions: no I/O, no clock, no randomness. Whatever can lose data is decided here.

===================  ============================================================================
module               holds
===================  ============================================================================
`contact`            a contact as HighLevel sent it: exact bytes, digest, searchable columns
`search_text`        text as it is searched and sorted by, phone numbers in any spelling
`contact_snapshot`   the last known state of a contact, out of its two copies
`contact_fields`     what people call a contact's fields, and which ones no call can write
`contact_diff`       what changed between two copies of a contact
`custom_fields`      custom field values: read, written, compared
`dnd`                do-not-disturb, and how a contact is created without a message going out
`records`            the kinds of records of a contact, and what is read out of one
`reference_data`     users, pipelines, calendars and fields that a location has today
`lifecycle`          the states of a contact
`deletion_causes`    why a contact disappeared, and which deletions belong together
`recovery_window`    when a contact was deleted, and how long HighLevel can bring it back
`health`             whether the copy of a location is good
`listing_verdict`    how a location is listed in ranges, and when a listing is complete
`capture_planner`    which request to send next
`capture_forecast`   when everything will be captured
`restore`            what a restore sends, and how the result compares (a package)
`json_codec`         JSON decoded strictly or leniently, and encoded
`moments`            points in time parsed, formatted, shown in a time zone
`wording`            the grammar of counts in texts for people
`callbacks`          progress, clock and stop signal, as a caller hands them to long work
===================  ============================================================================
"""
