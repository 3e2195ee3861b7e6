"""Restores.

=========  =========================================================================
module     holds
=========  =========================================================================
`jobs`     restore jobs, their contacts and outcomes
`journal`  each write to HighLevel, logged before it is sent and when it is answered
=========  =========================================================================
"""
