"""Text as it is searched by, and the ways in which what was typed can be meant."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.contact import digits
from hlcore.model.search_text import fold_letters, readings

LATIN = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x24F, categories=("L", "N", "P", "Zs"))
    | st.sampled_from("ẞﬁﬀ\u0301"),
    max_size=30,
)


def finds(typed: str, *lines: str) -> bool:
    """Whether the search box finds a contact of whom these lines are stored."""
    stored = "\n" + "\n".join(lines) + "\n"
    return any(all(any(fragment in stored for fragment in group) for group in reading) for reading in readings(typed))


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Järvinen", "jarvinen"),
        ("Lovász", "lovasz"),
        ("YILDIZ Yıldız İpek", "yildiz yildiz ipek"),
        ("Śliwa Łukasz", "sliwa lukasz"),
        ("Ørsted Đorđe Þór Æsir Œuvre Straße ẞ", "orsted dorde thor aesir oeuvre strasse ss"),
        ("Jose\u0301 Mun\u0303oz", "jose munoz"),
        ("José Muñoz", "jose munoz"),
        ("Ｆｕｌｌ\u3000Ｗｉｄｔｈ　１２", "full width 12"),
        ("ﬁsh oﬃce Ĳssel", "fish office ijssel"),
        ("Nguyễn Thị Đào", "nguyen thi dao"),
        ("O’Neil–ʻokina", "o'neil-'okina"),
        ("ΣΊΣΥΦΟΣ Γιώργος", "σισυφοσ γιωργοσ"),
        ("Ёлкин Андрей", "елкин андреи"),
        ("אָבִי مُحَمَّد", "אבי محمد"),
        ("कुमार がぎ ｶﾞ 김철수", "कुमार がぎ ガ 김철수"),
        ("a\u00add\u200ba 😀\ufe0f", "ada 😀"),
        ("١٢٣", "123"),
        ("  two \n lines ", "two lines"),
    ],
)
def test_spellings_that_a_person_takes_for_the_same_are_folded_alike(written: str, folded: str) -> None:
    assert fold_letters(written) == folded


@given(LATIN)
def test_every_way_to_write_the_same_letters_is_folded_alike(text: str) -> None:
    folded = fold_letters(text)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold_letters(unicodedata.normalize(form, text)) == folded
    assert fold_letters(text.casefold()) == folded
    assert fold_letters(folded) == folded


@given(st.text(max_size=40))
def test_any_text_can_be_folded_and_searched_for(text: str) -> None:
    folded = fold_letters(text)
    assert "\n" not in folded
    assert fold_letters(folded) == folded
    assert not folded or finds(text, folded)


@given(st.text(st.characters(categories=("L", "M")), min_size=1, max_size=12), st.data())
def test_a_fragment_finds_the_whole(name: str, data: st.DataObject) -> None:
    """A fragment ends between two letters: not between a letter and its accent, nor within a syllable."""
    folded = fold_letters(name)
    start, end = sorted((data.draw(st.integers(0, len(folded))), data.draw(st.integers(0, len(folded)))))
    assert start == end or finds(folded[start:end], folded) or fold_letters(folded[start:end]) != folded[start:end]


@pytest.mark.parametrize(
    "typed", ["José", "Jose", "JOSE", "Muñoz", "munoz", "MUN\u0303OZ jose", "muñ jos", "Munoz, José"]
)
def test_one_person_is_found_by_every_spelling_and_order(typed: str) -> None:
    for written in ("José Muñoz", "Jose\u0301 Mun\u0303oz", "JOSE MUNOZ"):
        assert finds(typed, fold_letters(written))


WITH_COUNTRY = [
    "+49 171 1234567",
    "+49 (0)171 1234567",
    "+49171-123.45.67",
    "0049 171 1234567",
    "(0049) 171/1234567",
    "49 171 1234567",
]
NATIONAL = ["0171 1234567", "(0171) 123 45 67", "171 1234567", "０１７１ １２３４５６７"]


@pytest.mark.parametrize("typed", [*WITH_COUNTRY, *NATIONAL, "0171 12", "123 45"])
@pytest.mark.parametrize("stored", [*WITH_COUNTRY, *NATIONAL])
def test_a_phone_is_found_in_any_spelling(typed: str, stored: str) -> None:
    assert finds(typed, "ada", digits(stored))


@pytest.mark.parametrize("typed", ["+49 171", "0049 171 123", "+49", "+49 171 1234567 ada"])
@pytest.mark.parametrize("stored", WITH_COUNTRY)
def test_the_beginning_of_a_phone_finds_it(typed: str, stored: str) -> None:
    assert finds(typed, "ada", digits(stored))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ada +1 (555) 010-0001", "5550100001"),
        ("1 555 010 0001", "15550100001"),
        ("555.010.0001", "+15550100001"),
        ("011 49 30 901820", "+49 30 901820"),
        ("+44 (0)20 7946 0958", "020 7946 0958"),
        ("0113 496 0000", "+44 113 496 0000"),
        ("+39 06 1234 5678", "06 12345678"),
        ("+33 6 12 34 56 78 ada", "06 12 34 56 78"),
    ],
)
def test_a_phone_of_any_country_is_found(typed: str, stored: str) -> None:
    assert finds(typed, "ada", digits(stored))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("+49 171 1234567", "+43 171 1234567"), ("+49 171 1234567", "+49 172 1234567"), ("0171 99", "+49 171 1234567")],
)
def test_another_phone_is_not_found(typed: str, stored: str) -> None:
    assert not finds(typed, "ada", digits(stored))


def test_nothing_typed_means_nothing() -> None:
    assert readings(" \n\u200b ") == []
