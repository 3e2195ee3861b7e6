"""How much of what belongs to the contacts is safe: the block on the Overview, the line on a person's record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from hlcore.metrics.coverage import NAMES, Coverage, KindCoverage, coverage
from hlcore.ui import session
from hlcore.ui.components import formatting

FRESH_SECONDS = 20


def draw(location_ids: Sequence[str]) -> None:
    """What is safe beside the contacts themselves, and when all of it will be; nothing before the first copy."""
    found = _coverages(tuple(location_ids))
    living = max((each.of for one in found for each in one.kinds), default=0)
    if not living:
        return
    with st.container(border=True, key="safety"):
        st.markdown("#### What belongs to your contacts")
        st.markdown(sentence(found, session.shared_timezone(session.selected_locations())))
        if not all(one.complete for one in found):
            with st.grid(4, min_column_width=150, gap="small"):
                for kind, name in NAMES.items():
                    share = _share([each for one in found for each in one.kinds if each.kind == kind])
                    st.progress(share, text=f"{name.capitalize()} {formatting.percent(_floored(share))}")


def sentence(found: Sequence[Coverage], tz: str) -> str:
    """'Notes of 61 % of contacts are safe; all by Thursday …', of the kind that is furthest behind."""
    every = [each for one in found for each in one.kinds]
    if all(one.complete for one in found):
        return "Full details, notes, tasks, opportunities, appointments and messages of every contact are safe."
    closed = sorted({each.name for each in every if each.closed})
    by_kind = {kind: _share([each for each in every if each.kind == kind and not each.closed]) for kind in NAMES}
    behind = min(by_kind, key=lambda kind: by_kind[kind])
    said = f"The {NAMES[behind]} of {formatting.percent(_floored(by_kind[behind]))} of contacts are safe"
    until = f"; all by {formatting.moment(_last(every), tz)} at this pace." if _last(every) else "."
    return said + until + (f" The token may not read {', '.join(closed)}." if closed else "")


def unsafe_words(kinds: Sequence[str]) -> str:
    """What is not yet safe of one person; '' when everything is."""
    return f"Not yet safe: {', '.join(NAMES[kind] for kind in kinds)}." if kinds else ""


@st.cache_data(ttl=FRESH_SECONDS, show_spinner=False)
def _coverages(location_ids: tuple[str, ...]) -> list[Coverage]:
    here = session.app_context()
    return [coverage(here.vault, each, here.clock.now(), here.settings) for each in location_ids]


def _share(found: Sequence[KindCoverage]) -> float:
    whole = sum(each.of for each in found)
    return sum(min(each.safe, each.of) for each in found) / whole if whole else 1.0


def _floored(share: float) -> float:
    """One decimal of a percent, never rounded up to a whole that is not there."""
    return int(share * 1000) / 1000


def _last(found: Sequence[KindCoverage]) -> datetime | None:
    moments = [each.done_by for each in found if not each.closed]
    known = [moment for moment in moments if moment is not None]
    return max(known) if known and len(known) == len(moments) else None
