"""Use cases that write back: what was deleted comes back, quietly, once, and proven.

============  ========================================================================================
module        holds
============  ========================================================================================
`planning`    `plan`: what would happen to each contact, and why; `plan` has the value itself
`known`       what the vault knows of a contact; `catalogue` what the location has today
`lines`       the plan field by field, put together in `telling`; `sheet` as a table; `asking`: what a person is asked
`live`        looking at HighLevel: is it alive, does somebody hold its address
`native`      HighLevel's own restore, in steps that a newcomer can follow
`jobs`        a plan as a job: created, confirmed, paused, cancelled
`execute`     `run_job`: carrying it out, and going on after any end
`preparing`   one contact's copy as requests; `places`: what the location has today; `measure`: how much comes back
`finish`      from a contact just created to a whole one: `attach` makes its records, `verify` reads all back
`top_up`      adding to a living contact what it lacks; `channels` closes and reopens its channels meanwhile
`recreate`    one contact; `settle` finds out what became of a call whose answer was lost
`work`        the journal behind both; `recording` writes down what came of it
`receipt`     what became of each contact, for page, command line and file
============  ========================================================================================
"""
