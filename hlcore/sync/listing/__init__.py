"""The full sync of a location.

=============  =============================================================
module         what it holds
=============  =============================================================
`run`          `sync_location`: the whole run, step by step
`pagination`   Read all pages, in several date ranges at once, resumable
`page_import`  Import one page of contacts into the vault
`missing`      Suspect what a complete listing left out, behind three guards
=============  =============================================================
"""
