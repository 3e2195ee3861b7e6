"""The dashboard's parts. `pages/` holds one file per page, which reads, chooses and draws with what is here.

==================  =========================================================================
module              holds
==================  =========================================================================
`server`            start and end of the process, the health route, security headers
`request_guard`     which connections and files are refused before a page runs
`session`           the AppContext, user and locations that a page starts from
`frame`             what surrounds every page: admission, start-up screen, sidebar, banners
`run_progress`      sync runs as they happen
`account_tasks`     connecting a location and syncing it on request
`overview`          the Overview page
`coverage`          how much of what belongs to the contacts is copied
`activity`          the Activity page
`backups`           the Backups page
`webhooks`          the Webhooks page
`quarantine_table`  items that were set aside, on the Activity and Webhooks pages
`components`        what several pages draw with
`contacts`          the Contacts and Changes pages
`deletions`         the At risk and Bulk deletions pages
`restore`           the Restore page
`settings`          the Settings page
==================  =========================================================================

Functions named `show_…`, `choose_…`, `watch_…` and `…_button` draw on the page; `…_text`, `…_label`, `…_row` and
`…_columns` return what is drawn.
"""
