"""The Restore page: from the preview to the receipt.

================  ====================================================================
module            holds
================  ====================================================================
`preview`         the path, waiting for the plan, confirming it
`drafts`          whom a restore is about and what was decided, under an address
`decisions`       what the user decides about a restore
`plan_view`       what would become of each contact
`tasks`           planning and running restores in the background
`job_view`        a job's progress, controls and result; the list of jobs
`job_labels`      what the pages say about a job of any kind
`open_jobs`       jobs that run or wait, on every page; who is in them
`undo`            undoing a restore
`twin_note`       people who were created again and came back besides
`downloads`       receipt, plan and deleted contacts as files
`receipt_page`    the receipt as a page to print
================  ====================================================================
"""
