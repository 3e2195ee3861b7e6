"""Work in the background.

===============  =============================================================
module           holds
===============  =============================================================
`loop`           `Worker`: does what is due, in a process or beside the pages
`account_steps`  one step of an account's turn, which fails alone
`background`     tasks that a user starts on a page and that outlive the page
===============  =============================================================
"""
