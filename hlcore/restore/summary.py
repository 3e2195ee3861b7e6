"""How a restore turns out for many people, in one sentence: what the plan promises, and what the receipt found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hlcore.model.contact_fields import ALWAYS_LOST, label_of
from hlcore.model.dnd import STAYS_ON
from hlcore.restore.plan import WRITING_ACTIONS, PlanItem
from hlcore.store.restores.jobs import JobItem

Extent = Literal["whole", "partly", "native", "not", "waiting"]
EXTENT_NAMES: dict[Extent, str] = {
    "whole": "whole",
    "partly": "partly",
    "native": "by HighLevel's own restore",
    "not": "not",
    "waiting": "waiting",
}
"""What the summary calls each extent, in its order."""
NATIVE_FIRST = "HighLevel's own restore is still open and keeps the contact's id"
MAX_REASONS = 4
_INDIVIDUAL = re.compile(r"“[^”]*”|(?<!\w)(?=\w*\d)\w{12,}|^\d+ ")
"""Matches what tells one person's reason from another's: quoted values, ids, leading numbers."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How much of one person comes back, or came back, and why not all of it: the reasons name nobody."""

    extent: Extent
    reasons: tuple[str, ...] = ()
    conflict: bool = False

    @property
    def is_problem(self) -> bool:
        """Whether somebody should look: nothing comes back, or a living contact is in the way."""
        return self.extent == "not" or self.conflict


@dataclass(frozen=True, slots=True)
class Summary:
    """The verdicts of a plan or a job, counted. `reasons`: extent → (reason, number of people), the commonest first."""

    counts: dict[Extent, int]
    reasons: dict[Extent, list[tuple[str, int]]]

    @property
    def headline(self) -> str:
        """'97: 82 whole, 12 partly, 3 not'."""
        parts = [f"{self.counts[extent]:,} {name}" for extent, name in EXTENT_NAMES.items() if self.counts.get(extent)]
        return f"{sum(self.counts.values()):,}: {', '.join(parts)}"

    @property
    def because(self) -> list[str]:
        """'Partly, because: … (12)' for what does not come back whole, a line each."""
        return [
            f"{EXTENT_NAMES[extent].capitalize()}, because: {_reasons_text(self.reasons[extent])}."
            for extent in ("partly", "not")
            if self.reasons.get(extent)
        ]


def summarize(verdicts: Iterable[Verdict]) -> Summary:
    """Count the verdicts."""
    counts: Counter[Extent] = Counter()
    reasons: dict[Extent, Counter[str]] = {}
    for verdict in verdicts:
        counts[verdict.extent] += 1
        reasons.setdefault(verdict.extent, Counter()).update(set(verdict.reasons))
    return Summary(dict(counts), {extent: counted.most_common() for extent, counted in reasons.items()})


def plan_verdict(item: PlanItem) -> Verdict:
    """Return what the plan promises for this person."""
    if item.action == "use_native":
        return Verdict("native", (NATIVE_FIRST,))
    conflict = item.conflict is not None
    if item.action == "skip":
        reason = "a living contact has the same e-mail or phone" if conflict else _general(item.reason)
        return Verdict("not", (reason,), conflict)
    reasons = lost_reasons(item)
    return Verdict("partly" if reasons else "whole", reasons, conflict)


def lost_reasons(item: PlanItem) -> tuple[str, ...]:
    """Return what of this person's copy is not written, channels that stay closed among it, without what no program can
    read, in general words."""
    lost = [line for line in item.will_be_lost if line not in ALWAYS_LOST]
    lost += [line for line in item.will_change if line.startswith(STAYS_ON)]
    lines = tuple(dict.fromkeys(map(_general, lost)))
    if lines or item.fidelity is None:
        return lines
    return tuple(f"not all {part.name} come back" for part in item.fidelity.parts if part.kept < part.of)


def receipt_verdict(item: JobItem) -> Verdict:
    """Return what became of this person."""
    plan = PlanItem.load(item.plan) if item.plan else None
    if item.outcome == "":
        return Verdict("waiting")
    if item.outcome in ("failed", "skipped"):
        native = plan is not None and plan.action == "use_native" and item.outcome == "skipped"
        conflict = plan is not None and plan.conflict is not None
        return Verdict("not", (NATIVE_FIRST if native else _general(item.error or "no reason was given"),), conflict)
    reasons = [f"{label_of(str(found['field']).partition('.')[0])} differs" for found in item.differences or ()]
    if item.verified is not True and not reasons:
        reasons.append("it was not read back")
    reasons += lost_reasons(plan) if plan is not None and plan.action in WRITING_ACTIONS else ()
    return Verdict("partly" if reasons else "whole", tuple(dict.fromkeys(reasons)))


def _general(text: str) -> str:
    """Return the reason without what belongs to one person only, so that equal reasons are counted together."""
    return " ".join(_INDIVIDUAL.sub(lambda found: "" if found[0][-1] == " " else "…", text).split()).rstrip(".")


def _reasons_text(reasons: list[tuple[str, int]]) -> str:
    shown = [f"{reason} ({number:,})" for reason, number in reasons[:MAX_REASONS]]
    more = len(reasons) - len(shown)
    return "; ".join(shown) + (f"; and {more} other reasons" if more else "")
