"""The client's methods by subject; `Client` inherits from all of them.

===============  ==============================================================
module           holds
===============  ==============================================================
`base`           what a group of methods needs of the client
`contacts`       contacts, their tags, followers and business
`records`        notes, tasks, appointments, opportunities
`conversations`  conversations, messages, and the export of all messages
`location`       the location and its reference data
===============  ==============================================================
"""
