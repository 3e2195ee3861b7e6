"""What HighLevel's API answers, a module for each part of it.

================  ==================================================================================
module            answers
================  ==================================================================================
`account`         the location's record, tags, custom fields and values, users, businesses, workflows
`contacts`        one contact: read, create, change, delete, upsert, search for duplicates
`contact_writes`  what creating and changing a contact have in common
`search`          lists of contacts, with filters, cursors and the faults of a search
`records`         notes, tasks, tags, followers, campaigns and workflows of a contact
`opportunities`   opportunities, pipelines and lost reasons
`calendars`       calendars and appointments
`conversations`   conversations, messages and their export
`oauth`           the tokens of a Marketplace app
================  ==================================================================================
"""

from hlcore.sandbox.routes import account, calendars, contacts, conversations, oauth, opportunities, records, search

OPERATIONS = (
    account.operations
    + calendars.operations
    + contacts.operations
    + conversations.operations
    + oauth.operations
    + opportunities.operations
    + records.operations
    + search.operations
)
