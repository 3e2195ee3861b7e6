"""What a restore sends to HighLevel, and how what is there compares with the copy. Pure, like all of the model.

==================  ================================================================================
module              holds
==================  ================================================================================
`restore_payload`   the copy of a contact as the body of a create call, with what is lost and why
`child_requests`    its notes, tasks, opportunities and appointments as requests
`record_values`     what a record holds, with everything that is not written named in words
`stages`            the stage into which an opportunity goes
`transcript`        its messages as the text of a note
`exclusions`        what the user decided to leave out
`rejected_fields`   what to leave out next when HighLevel rejects a contact
`record_matching`   whether a live record is the planned one
`comparison`        the planned contact beside the one that was read back
`revert`            chosen fields of a live contact put back to an earlier copy
==================  ================================================================================
"""
