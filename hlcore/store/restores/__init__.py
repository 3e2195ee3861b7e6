"""Restores.

=========  =========================================================================
module     holds
=========  =========================================================================
`drafts`   whom a plan is about and what was decided, until it is confirmed
`jobs`     restore jobs, their contacts and outcomes
`journal`  each write to HighLevel, logged before it is sent and when it is answered
=========  =========================================================================
"""
