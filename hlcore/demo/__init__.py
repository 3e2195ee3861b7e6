"""The demo account: a sandbox on a loopback port and a vault with sixty days of history.

=========  =====================================================================
module     holds
=========  =====================================================================
`builder`  builds the demo's sandbox and vault, and opens them
`data`     the names, custom fields, tags and sources of its two locations
=========  =====================================================================
"""
