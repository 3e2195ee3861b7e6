"""What several pages draw with.

==================  ================================================================
module              holds
==================  ================================================================
`formatting`        text for people: moments, numbers, durations, badges
`tables`            tables of one page of rows, the pager, the empty state
`charts`            charts and figure cards
`buttons`           buttons that follow the user's role
`errors`            errors on the page
`navigation`        from one page to another
`address`           what of a view stands in the address, and its choices
`contact_fields`    a contact's fields as labels and texts
`contact_list`      search and filters, the table of contacts, the way to a record
`contact_picker`    choosing contacts over several pages of a table
`merge_note`        the merge that a contact lost
==================  ================================================================
"""
