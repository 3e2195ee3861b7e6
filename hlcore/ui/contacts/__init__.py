"""The Contacts page's record of one contact, and the Changes page.

==================  ================================================================
module              holds
==================  ================================================================
`contact_data`      everything that is shown about one contact, read in one snapshot
`contact_record`    the record, section by section
`revert`            an earlier state beside today's, and putting fields back
`changes`           what a period changed
==================  ================================================================
"""
