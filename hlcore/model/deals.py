"""Where an opportunity belongs today: its pipeline and stage, by id or else by name, and its custom fields. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlcore.model.account import Account, same_name
from hlcore.model.custom_values import is_empty


def stage(row: Mapping[str, Any], account: Account) -> tuple[dict[str, Any] | None, str]:
    """Pipeline and stage to write, and what is said about it: why not, or how they were mapped."""
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
