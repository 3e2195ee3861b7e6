"""Files that leave the vault: CSV of any size in constant memory, safe for spreadsheets or exact."""

from hlcore.export.csv_cells import ExportMode
from hlcore.export.csv_writer import Manifest
from hlcore.export.exporter import export, to_file
from hlcore.export.selection import ExportKind, ExportSelection
from hlcore.export.small_tables import export_table, rows_to_csv

__all__ = [
    "ExportKind",
    "ExportMode",
    "ExportSelection",
    "Manifest",
    "export",
    "export_table",
    "rows_to_csv",
    "to_file",
]
