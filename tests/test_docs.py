"""The documents stay true: README names every setting, command and exit code; what a document names exists."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from hlcore.cli.console import COMMANDS, EXITS, loaded
from hlcore.settings import PREFIX, Settings
from hlcore.store import Vault

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DESIGN = (ROOT / "hlcore" / "DESIGN.md").read_text(encoding="utf-8")
BENCHMARKS = ROOT / "tests" / "benchmarks"
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "hlcore/DESIGN.md", "tests/benchmarks/README.md"]
MADE_LATER = {"screenshots/", ".streamlit/secrets.toml"}
"""Paths that exist only once somebody has run something."""

PATH = re.compile(r"(\.{0,2}[\w.-]*/)*[\w.-]+(\.(py|md|toml|txt|yaml)|/)|\.ci/run|Makefile")
CLASS = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)*")
FUNCTION = re.compile(r"(\w+)\(\)")


def code_spans(document: str) -> list[str]:
    """Everything in backticks, outside of blocks of code."""
    text = re.sub(r"^ *```.*?^ *```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`]+)`", text)


def exists(word: str, folder: Path) -> bool:
    """Whether this path exists beside the document, or anywhere if it is only a file's name."""
    everywhere = (found for top in ("hlcore", "tests") for found in (ROOT / top).rglob(word))
    return (folder / word).exists() or ("/" not in word and any(everywhere))


@cache
def defined() -> frozenset[str]:
    """The names of all classes and functions of hlcore."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "hlcore").rglob("*.py")]
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, kinds))


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name: str) -> None:
    assert f"`{PREFIX}{name.upper()}`" in README


def command_named(name: str) -> Any:
    """The command as it is run."""
    importlib.import_module(f"hlcore.cli.{COMMANDS[name][0]}")
    return typer.main.get_group(loaded).commands[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described_and_has_help(name: str) -> None:
    told = str(command_named(name).help)
    assert f"| `{name}" in README
    assert told.startswith(COMMANDS[name][1].removesuffix(".")), (
        "the list of commands tells the beginning of what each says itself"
    )


def test_every_command_is_in_the_list_of_commands() -> None:
    for path in (ROOT / "hlcore" / "cli").glob("[!_]*.py"):
        importlib.import_module(f"hlcore.cli.{path.stem}")
    assert typer.main.get_group(loaded).commands.keys() == COMMANDS.keys()


LEAN = {
    "--help": ("sqlalchemy", "httpx", "pydantic", "pandas"),
    "status": ("alembic", "psycopg", "pandas", "streamlit"),
}
"""Arguments → packages that take long to load and that this command does not need."""


@pytest.mark.parametrize("words", LEAN)
def test_a_command_loads_only_what_it_needs(words: str, tmp_path: Path) -> None:
    Vault.open(f"sqlite:///{tmp_path / 'vault.db'}").close()
    code = (
        "import sys; from hlcore.cli.console import app; app(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    )
    env = {**os.environ, "HLCORE_DATA_DIR": str(tmp_path), "HLCORE_DATABASE_URL": f"sqlite:///{tmp_path / 'vault.db'}"}
    run = subprocess.run(
        [sys.executable, "-c", code, words], capture_output=True, text=True, cwd=ROOT, env=env, check=True
    )
    assert set(run.stdout.split()) & set(LEAN[words]) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_commands_help_names_the_exit_codes(name: str) -> None:
    assert command_named(name).epilog == EXITS


def test_the_help_names_the_exit_codes_of_the_readme() -> None:
    in_readme = re.findall(r"^\| (\d+) \| ", README, re.MULTILINE)
    assert re.findall(r"\b(\d+) [a-zH]", EXITS) == in_readme
    assert "141" in in_readme


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_is_named_exists(document: str) -> None:
    folder = (ROOT / document).parent
    words = {word for span in code_spans(document) for word in span.split() if PATH.fullmatch(word)}
    assert [word for word in sorted(words - MADE_LATER) if not exists(word, folder)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_class_and_function_that_is_named_exists(document: str) -> None:
    spans = code_spans(document)
    names = {span for span in spans if CLASS.fullmatch(span)} | {
        found[1] for span in spans if (found := FUNCTION.fullmatch(span))
    }
    assert names - defined() - {"SecretStr", "Makefile"} == set()


def test_the_layers_of_the_design_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    checked = [
        {name.strip().removeprefix("hlcore.") for name in layer.split("|")}
        for layer in contracts["contracts"][0]["layers"]
    ]
    rows = re.findall(r"^\| \d+ \| (.+) \|$", DESIGN, re.MULTILINE)
    assert [set(re.findall(r"`(\w+)(?:/|\.py)`", row)) for row in rows] == checked


def test_every_benchmark_is_listed() -> None:
    listed = set(re.findall(r"^\| `(\w+)`", (BENCHMARKS / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == {
        path.stem for path in BENCHMARKS.glob("*.py") if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
