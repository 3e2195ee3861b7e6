"""Use cases that write to HighLevel: restore deleted contacts, revert changes, undo a restore.

=================  ===================================================================
module             holds
=================  ===================================================================
`planning`         what a restore would do with each contact, and why
`execution`        carrying a job out, one safe step after the other
`plan`             the plan as plain values
`fidelity`         how much of a contact comes back
`live_state`       what HighLevel has now: is the contact alive, who holds its address
`job_control`      create, confirm, pause, cancel and retry jobs
`job_context`      one job in progress and its journal
`journal_entries`  what the entries of the journal mean
`receipt`          the outcome of each contact, for page, command line and file
`summary`          how a plan or a job turns out for many people, in one sentence
`revert`           put earlier values of living contacts back
`undo`             delete what a restore created
=================  ===================================================================
"""
