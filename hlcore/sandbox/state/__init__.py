"""What the sandbox knows, in memory.

=================  ======================================================================================
module             holds
=================  ======================================================================================
`sandbox`          `Sandbox`: locations, tokens, the OAuth app, the ledger and the clock
`location`         `SandboxLocation`: create, edit, delete, restore and merge contacts as users do
`location_base`    its rate limit, the shape of its search rows, and its related data
`related`          adds notes, tasks, opportunities, messages, users and other related data
`record`           one contact, kept as compact JSON
`invented_people`  invents contacts from a seed
`search_index`     what search sees, which may lag behind the truth
`search`           answers a search with filters, sorting and cursors
`filters`          checks and compiles the filters of a search
`persistence`      saves a sandbox to a file and loads it again
=================  ======================================================================================
"""
