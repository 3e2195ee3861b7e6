"""Disappearances of contacts.

================  ====================================================================
module            holds
================  ====================================================================
`register`        the register: suspecting, confirming, ending, erasing
`queries`         queries on the register, and the states in which people see its rows
`bulk_deletions`  disappearances that belong together, and incidents
`stats`           statistics of the register
================  ====================================================================
"""
