"""Copies of contacts.

=============  ===========================================================================
module         holds
=============  ===========================================================================
`columns`      the columns derived from a contact: what people search, sort and compare by
`writes`       inserting and replacing copies, with the versions they replace
`reads`        reading copies, their bytes and versions by id
`search`       the search box, filters, lists by page, who holds an e-mail or phone
`suggestions`  the nearest names, for a search that found nobody
`presence`     which contacts a listing has seen, and which were added in a period
`streams`      contacts, versions and records as streams for export files
=============  ===========================================================================
"""
