"""CSV files out of the vault: of any size in constant memory, safe for spreadsheets or exact.

Pages and commands import what they need of it from here.

================== =============================================================================
module             holds
================== =============================================================================
`exporter`         `export_csv` and `export_file`: checked, streamed, hashed, written to the audit log
`small_tables`     `rows_to_csv` and `export_table`: tables that are in memory already
`selection`        `ExportSelection`: which rows of which `ExportKind`
`contacts`         contacts as rows
`deletions`        the register of deletions as rows
`records`          notes, tasks and the other records as rows, and the earlier copies of contacts
`reference_names`  the names behind the ids of users, pipelines, stages and calendars
`sheet`            what all files are made of: a table, its source, the writer of a contact's cells
`columns`          the columns of a contact
`custom_fields`    the columns of custom fields
`csv_cells`        `ExportMode`, and what may stand in a cell
`file_names`       what exported files are called
`csv_writer`       rows to bytes, with a `Manifest`; files that appear only when they are whole
================== =============================================================================
"""

from hlcore.export.csv_cells import ExportMode
from hlcore.export.csv_writer import Manifest
from hlcore.export.exporter import export_csv, export_file
from hlcore.export.file_names import file_name
from hlcore.export.selection import ExportKind, ExportSelection
from hlcore.export.small_tables import export_table, rows_to_csv

__all__ = [
    "ExportKind",
    "ExportMode",
    "ExportSelection",
    "Manifest",
    "export_csv",
    "export_file",
    "export_table",
    "file_name",
    "rows_to_csv",
]
