"""The pages about deleted contacts.

==================  =======================================================
module              holds
==================  =======================================================
`at_risk`           the At risk page
`bulk_deletions`    the Bulk deletions page, and its notice on the Overview
==================  =======================================================
"""
