"""Capturing what belongs to contacts: notes, tasks, messages and other records.

=======  ========================================================
module   holds
=======  ========================================================
`state`  which kinds of which contacts are captured, due or stale
`feeds`  how far each feed of a location was read
`facts`  the remaining work as the planner sees it
=======  ========================================================
"""
