"""What a restore asks a person: where opportunities go whose stage no longer exists, and none has its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from hlcore.model.account import Account
from hlcore.model.deals import Unplaced


class Question(msgspec.Struct, frozen=True):
    """A stage that no longer exists. `key` ("pipeline/stage" then) is what the answer is given for in
    `Choices.places`; `pipeline` and `stage` are the names, '' where not known; `opportunities`: how many stood there;
    `answer`: None while nobody chose, and until then they are left behind as lost."""

    key: str
    pipeline: str
    stage: str
    why: str
    opportunities: int
    answer: str | None = None

    @property
    def words(self) -> str:
        """The question in a sentence."""
        noun = "opportunity" if self.opportunities == 1 else "opportunities"
        where = " → ".join(f"“{name}”" for name in (self.pipeline, self.stage) if name) or "an unknown stage"
        return f"{self.opportunities} {noun} stood in {where}: {self.why}. Where to?"


class Place(msgspec.Struct, frozen=True):
    """A stage of today: `key` is "pipeline/stage"."""

    key: str
    label: str


def questions(unplaced: Iterable[tuple[Unplaced, int]]) -> tuple[Question, ...]:
    """The questions of one contact, with how many of its opportunities each is about."""
    return tuple(Question(one.key, one.pipeline, one.stage, one.why, number, one.answer) for one, number in unplaced)


def added_up(found: Iterable[Question]) -> tuple[Question, ...]:
    """Each question once, in the order of asking."""
    together: dict[str, Question] = {}
    for one in found:
        before = together.get(one.key)
        number = one.opportunities + (before.opportunities if before else 0)
        together[one.key] = msgspec.structs.replace(one, opportunities=number)
    return tuple(together.values())


def places(account: Account) -> tuple[Place, ...]:
    """Every stage that an opportunity can be put into."""
    pipelines: Mapping[str, tuple[str, Mapping[str, str]]] = account.pipelines or {}
    return tuple(
        Place(f"{pipeline}/{stage}", f"{name or pipeline} → {label or stage}")
        for pipeline, (name, stages) in pipelines.items()
        for stage, label in stages.items()
    )
