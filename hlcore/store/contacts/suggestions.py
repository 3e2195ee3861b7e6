"""The names nearest to what was typed, for a search that found nobody."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import NamedTuple

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA
from sqlalchemy import and_, select

from hlcore.model.search_text import MAX_WORDS, fold_letters
from hlcore.store.contacts.search import ContactQuery, filter_conditions
from hlcore.store.database import Tx
from hlcore.store.dialects import among
from hlcore.store.tables import contacts

CHUNK = 20_000
MIN_LETTERS = 3
_ALIKE = 70.0  # of 100, of the whole text: a coarse sieve
_NEAR = 0.6  # of 1, of each word on average
_SIEVED = 50


class _Candidate(NamedTuple):
    nearness: float
    row_id: int


def nearest_names(tx: Tx, query: ContactQuery, *, limit: int = 5) -> list[str]:
    """Return the names of contacts that the query's other parts allow and whose names are spelled most like its text,
    the nearest first, each once. None where the text has hardly a letter, or nothing is near.

    Every name of these locations is compared, in constant memory: about a second for a million.
    """
    words = [word for word in fold_letters(query.text).split() if any(map(str.isalpha, word))][:MAX_WORDS]
    if sum(map(len, words)) < MIN_LETTERS or not query.location_ids:
        return []
    near = heapq.nlargest(_SIEVED, _candidates(tx, query, words))
    rows = tx.execute(select(contacts.c.row_id, contacts.c.name).where(contacts.c.row_id.in_([c.row_id for c in near])))
    names = {row.row_id: row.name for row in rows}
    return list(dict.fromkeys(names[candidate.row_id] for candidate in near))[:limit]


def _candidates(tx: Tx, query: ContactQuery, words: list[str]) -> list[_Candidate]:
    typed = " ".join(words)
    others = filter_conditions(tx, replace(query, text=""))
    of_locations = among(tx, contacts.c.location_id, query.location_ids)
    named = select(contacts.c.row_id, contacts.c.name_key).where(and_(of_locations, contacts.c.name != "", *others))
    found: list[_Candidate] = []
    for part in tx.execute(named.execution_options(yield_per=CHUNK)).partitions(CHUNK):
        keys = [row.name_key for row in part]
        alike = process.extract(typed, keys, scorer=fuzz.partial_token_sort_ratio, score_cutoff=_ALIKE, limit=_SIEVED)
        found += (_Candidate(_nearness(words, key), part[at].row_id) for key, _, at in alike)
    return [candidate for candidate in found if candidate.nearness >= _NEAR]


def _nearness(words: list[str], key: str) -> float:
    """Return from 0 to 1 how near the words are to those of a name: each to the nearest of them, or its beginning."""
    names = key.split()
    near = (max(_likeness(word, name) for name in names) for word in words)
    return sum(near) / len(words)


def _likeness(word: str, name: str) -> float:
    whole, beginning = OSA.normalized_similarity(word, name), OSA.normalized_similarity(word, name[: len(word)])
    return max(whole, 0.95 * beginning)
