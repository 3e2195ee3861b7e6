"""Files that leave the vault: CSV of any size in constant memory, safe for spreadsheets or exact."""

from hlcore.export.cells import Mode
from hlcore.export.run import export, to_file
from hlcore.export.selection import Kind, Selection
from hlcore.export.table import export_table, rows_to_csv
from hlcore.export.writing import Manifest

__all__ = ["Kind", "Manifest", "Mode", "Selection", "export", "export_table", "rows_to_csv", "to_file"]
