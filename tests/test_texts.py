"""Texts that people read: dates that every system can write, counts that agree with their nouns, people who are no
things."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = sorted(
    [
        *(path for path in (ROOT / "hlcore").rglob("*.py") if "sandbox" not in path.parts),
        *(ROOT / "pages").glob("*.py"),
        ROOT / "app.py",
    ]
)
PORTABLE = set("aAbBcdfHIjmMpSUwWxXyYzZ%")
"""Directives of strftime that C89 has: those with `-` or `#`, and `%e`, `%k`, `%s`, differ or fail by system."""
HAND_MADE = re.compile(r"'s' if|\"s\" if|else 's'|else \"s\"")
BARE_COUNT = re.compile(r"^ (?!gone|left|as|of|more|within|back|in|is|are|were|was|state|×)[a-z]+s\b")
PERSON_AS_THING = re.compile(
    r"\bit (?:is|was|came|gets|has been) (?:a new|alive|back|created|deleted|gone|lost|missing|restored)"
    r"|its (?:old|new) id|its blanks|its deletion|(?:lists|marks) it\b|copy of it\b"
    r"|(?:re-create|Restore it|merged it|Somebody else has deleted|restored) it\b"
    r"|restore of it\b|what it held|it was not part of",
    re.IGNORECASE,
)


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every string of the code that is no docstring, with `{}` for what is inserted."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.lineno, node.value


def _found(path: Path, line: int, text: str) -> str:
    return f"{path.relative_to(ROOT)}:{line}: {text[:100]}"


@pytest.mark.parametrize("directive", ["%-d", "%e", "%#d", "%k", "%s"])
def test_directives_that_windows_lacks_are_recognised(directive: str) -> None:
    assert _odd_directives(directive)


def test_dates_are_written_with_what_every_system_has() -> None:
    odd = [
        _found(path, node.lineno, text)
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for text in _date_formats(node)
        if _odd_directives(text)
    ]
    assert odd == []


def test_no_text_holds_a_day_number_without_its_zero() -> None:
    assert [
        _found(path, *found) for path in CODE for found in _strings(path) if re.search(r"%[-#][a-zA-Z]", found[1])
    ] == []


def _date_formats(node: ast.AST) -> Iterator[str]:
    """Yield the texts that `strftime` or an f-string formats a date with."""
    if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
        yield "".join(str(part.value) for part in node.format_spec.values if isinstance(part, ast.Constant))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "strftime":
        owner = node.func.value
        if not (isinstance(owner, ast.Name) and owner.id == "func"):  # SQL's own
            yield from (str(part.value) for part in node.args if isinstance(part, ast.Constant))


def _odd_directives(text: str) -> list[str]:
    if text.endswith("%") and text.count("%") == 1:  # a percentage
        return []
    return [found for found in re.findall(r"%(.)", text) if found not in PORTABLE]


def test_nouns_follow_their_number_by_one_rule() -> None:
    """`model.wording` alone knows the plural: no text adds its own `s`, or sets a plural behind a number as it is."""
    own = []
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.IfExp) and HAND_MADE.search(ast.unparse(node)):
                own.append(_found(path, node.lineno, ast.unparse(node)))
            if isinstance(node, ast.JoinedStr):
                own += [_found(path, node.lineno, text) for text in _bare_counts(node)]
    assert own == []


def _bare_counts(node: ast.JoinedStr) -> Iterator[str]:
    """Yield what follows a number written with `:,` and looks like a plural."""
    for part, behind in zip(node.values, node.values[1:], strict=False):
        spec = part.format_spec if isinstance(part, ast.FormattedValue) else None
        is_count = isinstance(spec, ast.JoinedStr) and any(
            isinstance(each, ast.Constant) and each.value == "," for each in spec.values
        )
        if is_count and isinstance(behind, ast.Constant) and BARE_COUNT.match(str(behind.value)):
            yield ast.unparse(node)


@pytest.mark.parametrize(
    "text", ["It is alive again", "under its old id", "You chose to re-create it.", "marks it as deleted"]
)
def test_a_person_as_a_thing_is_recognised(text: str) -> None:
    assert PERSON_AS_THING.search(text)


def test_people_are_never_it() -> None:
    said = [_found(path, *found) for path in CODE for found in _strings(path) if PERSON_AS_THING.search(found[1])]
    assert said == []


def test_no_heading_makes_an_address_of_what_an_account_holds() -> None:
    """Streamlit makes an anchor of a heading's text, and a link with it, unless it is told not to."""
    found = []
    for path in CODE:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = call.func.attr if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else ""
            if not isinstance(call, ast.Call) or not call.args or name not in ("title", "subheader", "markdown"):
                continue
            text = call.args[0]
            inserted = isinstance(text, ast.JoinedStr) or not isinstance(text, ast.Constant)
            start = text.values[0] if isinstance(text, ast.JoinedStr) else text
            begins = str(start.value) if isinstance(start, ast.Constant) else ""
            option, is_heading = ("anchors", begins.startswith("#")) if name == "markdown" else ("anchor", inserted)
            off = [keyword for keyword in call.keywords if keyword.arg == option and keyword.value.value is False]  # type: ignore[attr-defined]
            if is_heading and not off and ast.unparse(call.func.value) == "st":
                found.append(_found(path, call.lineno, ast.unparse(text)))
    assert found == []
