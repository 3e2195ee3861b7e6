"""Carrying out a restore job. Every step may be killed at any line and called again.

====================  ==============================================================
module                holds
====================  ==============================================================
`run`                 `run_job()`: the loop over the contacts of a job
`recreate`            one deleted contact: create it, exactly once
`create_outcome`      whether a create call without an answer created the contact
`completion`          what follows the create call, and reading everything back
`children`            notes, tasks, opportunities, appointments, followers, tags
`top_up`              what a living contact lacks of its last copy
`living_contact_dnd`  closes all channels of a living contact while it is written to
`missing_users`       users who were removed after the plan was made
`verification`        what was read back, compared with the plan
`outcomes`            stores the outcome of a contact, all or nothing
`apply_revert`        puts planned fields of one contact back
`apply_undo`          deletes one contact that a restore created
====================  ==============================================================
"""
