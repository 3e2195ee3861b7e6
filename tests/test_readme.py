"""README.md stays true: every setting, every command and every exit code stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from hlcore.cli.console import EXITS, app
from hlcore.settings import PREFIX, Settings

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name: str) -> None:
    assert f"`{PREFIX}{name.upper()}`" in README


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described_and_has_help(name: str) -> None:
    assert f"| `{name}" in README
    assert COMMANDS[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_commands_help_names_the_exit_codes(name: str) -> None:
    assert COMMANDS[name].epilog == EXITS
