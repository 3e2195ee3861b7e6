"""Capturing the details and records of contacts, within a budget of requests.

=================  ==================================================================================
module             what it holds
=================  ==================================================================================
`run`              `capture_location`: step after step until the budget ends
`session`          The state of one session, its lease, and its entry in the activity log
`budget`           What one session may spend
`feeds`            Read the list of all tasks, opportunities, conversations or messages of a location
`feed_pages`       Fetch the next page of each of these lists
`contact_records`  Capture the records of one contact
`reference_lists`  Custom fields, tags, users, pipelines and other lists of a location
=================  ==================================================================================
"""
