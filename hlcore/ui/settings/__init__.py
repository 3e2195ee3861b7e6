"""The Settings page.

================  =============================================================
module            holds
================  =============================================================
`account_card`    one location: state, sync, recovery window, alarm, disconnect
`connect`         connecting locations by app or by token
================  =============================================================
"""
