"""A plan and a receipt of many people are told in one sentence with the reasons, and nobody is lost from the count."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.contact_fields import ALWAYS_LOST
from hlcore.model.dnd import STAYS_ON
from hlcore.restore.fidelity import Fidelity, FidelityPart
from hlcore.restore.plan import Conflict, PlanItem
from hlcore.restore.summary import EXTENT_NAMES, Verdict, plan_verdict, receipt_verdict, summarize
from hlcore.store.restores.jobs import JobItem
from tests.restore.conftest import World

ALIVE = "It already lives on as {}."


def item(action: Any = "recreate", **fields: Any) -> PlanItem:
    return PlanItem(contact_id="c1", action=action, reason=fields.pop("reason", ""), **fields)


def done(outcome: str, plan: PlanItem, **fields: Any) -> JobItem:
    values: dict[str, Any] = {"verified": True, "differences": [], "error": "", "finished_at": None, **fields}
    return JobItem(1, "c1", 0, plan.action, plan.dump(), outcome, "n1", **values)


def test_a_plan_of_many_people_is_one_sentence_with_the_reasons() -> None:
    lost = "opportunity “{}”: its stage no longer exists"
    items = [item(will_be_lost=ALWAYS_LOST)] * 82
    items += [item(will_be_lost=(lost.format(f"Deal of person {number}"), *ALWAYS_LOST)) for number in range(12)]
    items += [item("skip", reason=ALIVE.format(f"contact{number:013d}")) for number in range(3)]
    summary = summarize(map(plan_verdict, items))
    assert summary.headline == "97: 82 whole, 12 partly, 3 not"
    assert summary.because == [
        "Partly, because: opportunity …: its stage no longer exists (12).",
        "Not, because: It already lives on as … (3).",
    ]


@pytest.mark.parametrize(
    ("plan", "extent", "problem"),
    [
        (item(will_be_lost=ALWAYS_LOST), "whole", False),
        (item(will_be_lost=("the source", *ALWAYS_LOST)), "partly", False),
        (item(will_change=(f"{STAYS_ON} for all channels: no copy tells them",)), "partly", False),
        (item(fidelity=Fidelity((FidelityPart("notes", 5, 6),))), "partly", False),
        (item("skip", reason="Alive.", conflict=Conflict("x", "email")), "not", True),
        (item("top_up", conflict=Conflict("x", "email")), "whole", True),
        (item("use_native"), "native", False),
    ],
)
def test_each_plan_has_its_extent(plan: PlanItem, extent: str, problem: bool) -> None:
    verdict = plan_verdict(plan)
    assert (verdict.extent, verdict.is_problem) == (extent, problem)


@pytest.mark.parametrize(
    ("job_item", "extent"),
    [
        (done("recreated", item(will_be_lost=ALWAYS_LOST)), "whole"),
        (done("recreated", item(will_be_lost=("the source",))), "partly"),
        (
            done("recreated", item(), verified=False, differences=[{"field": "city", "planned": 1, "found": 2}]),
            "partly",
        ),
        (done("recreated", item(), verified=None), "partly"),
        (done("failed", item(), error="HighLevel refused it."), "not"),
        (done("skipped", item("use_native")), "not"),
        (done("", item()), "waiting"),
    ],
)
def test_each_outcome_has_its_extent(job_item: JobItem, extent: str) -> None:
    verdict = receipt_verdict(job_item)
    assert verdict.extent == extent
    assert verdict.reasons or extent in ("whole", "waiting"), "what is not whole says why"


VERDICTS = st.builds(Verdict, st.sampled_from(list(EXTENT_NAMES)), st.lists(st.text(max_size=8), max_size=3).map(tuple))


@given(st.lists(VERDICTS, max_size=60))
def test_everybody_is_counted_once(verdicts: list[Verdict]) -> None:
    summary = summarize(verdicts)
    assert sum(summary.counts.values()) == len(verdicts)
    for extent, reasons in summary.reasons.items():
        with_reasons = sum(verdict.extent == extent and bool(verdict.reasons) for verdict in verdicts)
        assert all(0 < number <= with_reasons for _, number in reasons)


def test_a_reason_names_nobody(world: World) -> None:
    living = world.add(firstName="Somebody", email="ana@example.com")
    ana = world.lost(firstName="Ana", email="Ana@example.com")
    text = " ".join(summarize(map(plan_verdict, world.plan(ana).items)).because)
    assert "a living contact has the same e-mail or phone (1)" in text
    assert living not in text
    assert "ana" not in text.lower()
