"""PURE: what a restore would send to HighLevel, and how what is there compares with the copy.

====================  ============================================================================
module                holds
====================  ============================================================================
`restore_payload`     the copy of a contact as the body of a create call, with what is lost and why
`child_requests`      its notes, tasks, opportunities and appointments as requests
`exclusions`          what a person decided to leave out
`rejected_fields`     which fields a refusal names, and the request without them
`record_matching`     whether a record that is there is the one that was to be made
`comparison`          the copy beside what was read back
`transcript`          a conversation as the text of a note
====================  ============================================================================
"""
