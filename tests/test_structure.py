"""The shape of the code: no circle of imports, one name for one thing, modules and functions of a readable size.

Which package may import which is checked by import-linter (`pyproject.toml`). Every exception stands here with its
reason, and must still be one.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hlcore"
MIGRATIONS = PACKAGE / "store" / "migrations"
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if MIGRATIONS not in path.parents]
PACKAGES = [path.parent for path in MODULES if path.name == "__init__.py"]

MOST_MODULES, MOST_LINES, FEWEST_LINES, LONGEST_FUNCTION = 20, 480, 40, 60

SHORT_MODULES = {
    "hlcore/__main__.py": "calls the command line, so that its modules are not loaded under two names",
    "hlcore/demo/data.py": "the demo's invented data, apart from the code that builds its history",
}

SHARED_MODULE_NAMES = {
    "__main__": "Python's name for what `python -m` runs",
    "audit": "governance records an act, store keeps the rows",
    "bulk_deletions": "store groups the rows, metrics adds up, ui draws",
    "columns": "of the contacts table in store, of a CSV file in export",
    "contact_fields": "the model's list of fields, and how ui formats them",
    "contact_record": "metrics gathers all that is held of a contact, ui draws it",
    "contacts": "requests in highlevel, routes in sandbox, rows of a CSV file in export",
    "conversations": "requests in highlevel, routes in sandbox",
    "coverage": "metrics measures, ui draws",
    "custom_fields": "the model's values, and their columns in export",
    "deletions": "metrics reads, export writes",
    "drafts": "rows in store, the address and the decisions in ui",
    "errors": "hlcore's tree of errors, and how ui shows one",
    "feeds": "store keeps the cursors, sync reads the pages",
    "location": "requests in highlevel, the invented location in sandbox",
    "oauth": "requests in highlevel, routes in sandbox",
    "overview": "metrics computes, ui draws",
    "records": "pure in model, tables in store, requests in highlevel, routes in sandbox, rows in export",
    "revert": "pure in model, planned and written in restore, drawn in ui",
    "run": "the use case itself in sync/listing, sync/capture and restore/execution",
    "search": "SQL in store, routes and index in sandbox",
    "server": "the sandbox's HTTP server, and the dashboard's",
    "session": "of a capture, and of a browser",
    "tables": "of the database, and on a page",
    "undo": "done in restore, drawn in ui",
    "webhooks": "sent by the sandbox, drawn in ui",
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def repeated(names: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: where for name, where in names.items() if len(where) > 1}


def test_no_circle_of_imports() -> None:
    """Imports inside functions and under TYPE_CHECKING count. A circle is raised as CycleError, which names it."""
    graph = grimp.build_graph("hlcore", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > len(MODULES) / 2
    TopologicalSorter(imports).prepare()


def test_a_folder_can_be_read_at_a_glance() -> None:
    sizes = {relative(package): len(list(package.glob("[!_]*.py"))) for package in PACKAGES}
    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {}


def test_a_class_name_occurs_once() -> None:
    names = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                names[node.name].append(relative(path))
    assert repeated(names) == {}


def test_a_module_name_occurs_once() -> None:
    names = defaultdict(list)
    for path in MODULES:
        if path.name != "__init__.py":
            names[path.stem].append(relative(path))
    unexplained = {name: where for name, where in repeated(names).items() if name not in SHARED_MODULE_NAMES}
    assert unexplained == {}
    assert set(SHARED_MODULE_NAMES) == set(repeated(names))


def test_a_module_holds_a_subject_not_a_crumb() -> None:
    short = {relative(path) for path in MODULES if path.name != "__init__.py" and lines(path) < FEWEST_LINES}
    assert short == set(SHORT_MODULES)


def test_a_module_holds_one_subject() -> None:
    assert {relative(path): lines(path) for path in MODULES if lines(path) > MOST_LINES} == {}


def test_a_function_fits_on_a_screen() -> None:
    long = {}
    for path in [*MODULES, *sorted((ROOT / "pages").glob("*.py"))]:
        for node in ast.walk(tree(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > LONGEST_FUNCTION:
                    long[f"{relative(path)}:{node.name}"] = size
    assert long == {}


def test_a_module_says_what_it_is_for() -> None:
    assert [relative(path) for path in MODULES if not ast.get_docstring(tree(path))] == []


@pytest.mark.parametrize("package", PACKAGES, ids=relative)
def test_a_package_maps_its_modules(package: Path) -> None:
    """Each module and sub-package is named in the docstring, and each first cell of its table names one of them."""
    text = ast.get_docstring(tree(package / "__init__.py")) or ""
    children = {path.stem for path in package.glob("*.py") if path.name != "__init__.py"}
    children |= {path.parent.name for path in package.glob("*/*.py") if path.parent != package}
    assert children - set(re.findall(r"`(\w+)`", text)) == set()
    cells = re.findall(r"^(?:\| )?(`+\w+`+(?:, `+\w+`+)*)(?: {2,}| \|)", text, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"\w+", cell)} - children == set()


def test_classes_are_converted_only_by_what_was_prepared_at_import() -> None:
    """`msgspec.convert` of a class that another thread uses for the first time ends the process."""
    callers = [path for path in MODULES if "msgspec.convert" in path.read_text(encoding="utf-8")]
    assert [relative(path) for path in callers] == ["hlcore/model/json_codec.py"]
