"""No cell of a safe file runs; every cell of an exact file comes back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hlcore.export.csv_cells import ExportMode, cell, exact_value, neutralize, safe_value

FORMULA = re.compile(r"^[=+\-@\t\r\n\x00＝＋－＠]")
SPICY = st.text(st.sampled_from(list("=+-@＝＋－＠\t\r\n\x00 ,;|\"'a1é😀\u200b\ufeff\u202e")), max_size=12)


@given(st.one_of(SPICY, st.text()))
@example("=1+1")
@example("\ufeff=1+1")
def test_no_cell_begins_with_what_runs(text: str) -> None:
    assert not FORMULA.match(neutralize(text))
    assert not FORMULA.match(neutralize(text).lstrip())


@given(SPICY)
def test_no_part_runs_when_a_program_splits_at_another_separator(text: str) -> None:
    for part in re.split(r"[,;\t\r\n]", neutralize(text))[1:]:
        assert not re.match(r"^\s*[\"]*[=+\-@＝＋－＠]", part)


@given(st.text())
def test_only_apostrophes_are_added(text: str) -> None:
    assert neutralize(text).replace("'", "") == text.replace("'", "")


@given(st.text(st.characters(exclude_characters="=+-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−\t\r\n\x00")))
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert neutralize(text) == text or re.search(r"[0-9]{12}", text) or re.match(r"\s*[0-9(]", text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('=HYPERLINK("http://evil.example")', '\'=HYPERLINK("http://evil.example")'),
        ("+1-2", "'+1-2"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\tJanet", "'\tJanet"),
        ("\rJanet", "'\rJanet"),
        ("\nJanet", "'\nJanet"),
        ("＝1+1", "'＝1+1"),
        ("  =1+1", "'  =1+1"),
        ('"=1+1"', '\'"=1+1"'),
        ("a;=1+1", "a;'=1+1"),
        ("a\n=1+1", "a\n'=1+1"),
        ('a","=1+1', 'a","\'=1+1'),
        ("Anna-Lena", "Anna-Lena"),
        ("anna@agency.example", "anna@agency.example"),
        ("O'Brien", "O'Brien"),
        ("1 + 1", "1 + 1"),
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("", ""),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert neutralize(text) == shown


@pytest.mark.parametrize("phone", ["+15551234567", "+4915123456789", "4915123456789"])
def test_a_phone_number_is_text_with_all_its_digits(phone: str) -> None:
    assert neutralize(phone) == "'" + phone


@pytest.mark.parametrize(
    "text", ["01067", "0151123456", "0049 151 123", " 01067 ", "1E5", "12e-3", "1.5E10", "(123)", "1/2", "3-4", "3 1/2"]
)
def test_what_a_spreadsheet_would_show_as_another_number_or_day_stays_text(text: str) -> None:
    assert neutralize(text) == "'" + text


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0.5",
        "10115",
        "1.5",
        "2026-03-02",
        "10:30",
        "(0151) 123",
        "0151/123-4",
        "1-2-3",
        "E5",
        "5e",
        "1/2 page",
        "()",
    ],
)
def test_numbers_dates_and_words_that_come_through_are_left_alone(text: str) -> None:
    assert neutralize(text) == text


@pytest.mark.parametrize("run", ["\n", ", ", " \t"])
def test_a_long_run_of_separators_is_gone_through_once(run: str) -> None:
    assert neutralize(f"a{run * 200_000}b") == f"a{run * 200_000}b"
    assert neutralize(f"a{run * 200_000}=1") == f"a{run * 200_000}'=1"


@given(st.one_of(SPICY, st.text(st.characters(exclude_categories=["Cs"]))))
def test_exact_cells_come_back(text: str) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerow([cell(text, ExportMode.EXACT), "x"])
    assert next(csv.reader(io.StringIO(written.getvalue(), newline=""))) == [text, "x"]


@pytest.mark.parametrize("written", [safe_value, exact_value])
def test_half_an_emoji_inside_a_list_or_record_is_kept_as_an_escape(written: Callable[[object], str]) -> None:
    assert written([{"name": "Zoë \ud83d"}]) == '[{"name":"Zoë \\ud83d"}]'
