"""Where an opportunity belongs today: its pipeline and stage, by id or else by name, and its custom fields. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.model.account import Account, same_name
from hlcore.model.custom_values import is_empty


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A stage that no longer exists and whose name none has: a person must say where its opportunities go. `key` is
    "pipeline/stage" as they were; `pipeline` and `stage` the names, '' where not known; `why` in words; `answer` what
    the person chose: "pipeline/stage" of today, '' to leave them out, None for nothing yet."""

    key: str
    pipeline: str
    stage: str
    why: str
    answer: str | None = None


def stage(row: Mapping[str, Any], account: Account) -> tuple[dict[str, Any] | None, str]:
    """Pipeline and stage to write, and what is said about it: why not, or how they were mapped or chosen."""
    place, said = _by_id_or_name(row, account)
    unplaced = unplaced_of(row, account) if place is None else None
    if unplaced is None or not unplaced.answer:
        return place, said
    pipeline, _, chosen = unplaced.answer.partition("/")
    name, stages = (account.pipelines or {})[pipeline]
    return {"pipelineId": pipeline, "pipelineStageId": chosen}, f"goes into “{name}”, “{stages[chosen]}”, as you chose"


def unplaced_of(row: Mapping[str, Any], account: Account) -> Unplaced | None:
    """What a person has to be asked about this opportunity's place; None where it is clear, or the location's
    pipelines are not known."""
    place, why = _by_id_or_name(row, account)
    if place is not None or account.pipelines is None:
        return None
    pipeline, stage_id = str(row.get("pipelineId") or ""), str(row.get("pipelineStageId") or "")
    key = f"{pipeline}/{stage_id}"
    name, stages = account.past_pipelines.get(pipeline) or account.pipelines.get(pipeline) or ("", {})
    answer = account.placed.get(key)
    return Unplaced(key, name, stages.get(stage_id, ""), why, answer if _exists(answer, account) else None)


def _exists(answer: str | None, account: Account) -> bool:
    if not answer:
        return answer == ""
    pipeline, _, stage_id = answer.partition("/")
    return stage_id in (account.pipelines or {}).get(pipeline, ("", {}))[1]


def _by_id_or_name(row: Mapping[str, Any], account: Account) -> tuple[dict[str, Any] | None, str]:
    pipeline, stage = str(row.get("pipelineId") or ""), str(row.get("pipelineStageId") or "")
    if account.pipelines is None:
        return ({"pipelineId": pipeline, "pipelineStageId": stage} if pipeline and stage else None), ""
    old_name, old_stages = account.past_pipelines.get(pipeline, ("", {}))
    target, said = pipeline, ""
    if pipeline not in account.pipelines:
        target = next((key for key, (name, _) in account.pipelines.items() if same_name(name, old_name)), "")
        if not target:
            return None, "its pipeline no longer exists, and none has its name"
        said = f"goes into the pipeline that is now called “{old_name}”"
    stages = account.pipelines[target][1]
    if stage in stages:
        return {"pipelineId": target, "pipelineStageId": stage}, said
    name = old_stages.get(stage, "")
    mapped = next((key for key, label in stages.items() if same_name(label, name)), "")
    if not mapped:
        return None, "its stage no longer exists, and none has its name"
    return {"pipelineId": target, "pipelineStageId": mapped}, said or f"goes into the stage now called “{name}”"


def deal_values(given: object, account: Account) -> tuple[list[dict[str, Any]], int]:
    kept, gone = [], 0
    for item in given if isinstance(given, list) else ():
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            continue
        value = deal_value(item)
        if is_empty(value):
            continue
        if account.fields is not None and item["id"] not in account.fields:
            gone += 1
        else:
            kept.append({"id": item["id"], "field_value": value})
    return kept, gone


def deal_value(item: Mapping[str, Any]) -> Any:
    """The value of an opportunity's custom field; its key varies with the type (HighLevel API issue 87)."""
    named = (key for key in item if key in ("value", "field_value") or key.startswith("fieldValue"))
    return next((item[key] for key in named if not is_empty(item[key])), None)
