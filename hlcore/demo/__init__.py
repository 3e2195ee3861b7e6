"""The demo account: the sandbox on a loopback port with sixty days of deletions already lived through.

=========  ============================================================================
module     holds
=========  ============================================================================
`builder`  builds the demo's vault once, and opens it
`data`     names, locations and proportions of its invented history
=========  ============================================================================
"""
