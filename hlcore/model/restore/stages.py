"""The pipeline and stage into which an opportunity goes: by id, else by name, else as the user decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.model.reference_data import ReferenceData, same_name


@dataclass(frozen=True, slots=True)
class UnresolvedStage:
    """A stage that no longer exists and whose name no other has, so that the user decides where its opportunities go.

    `key`: "pipeline id/stage id" in the copy; `pipeline`, `stage`: their names, '' where not known; `why` in words;
    `answer`: the user's choice, "pipeline id/stage id" of today, '' to leave them out, None for no answer yet.
    """

    key: str
    pipeline: str
    stage: str
    why: str
    answer: str | None = None


def resolve_stage(row: Mapping[str, Any], reference: ReferenceData) -> tuple[dict[str, Any] | None, str]:
    """Return the pipeline and stage to write for this opportunity (None: none), and in words how they were found or
    why there are none."""
    target, words = _stage_by_id_or_name(row, reference)
    unresolved = unresolved_stage(row, reference) if target is None else None
    if unresolved is None or not unresolved.answer:
        return target, words
    pipeline, _, stage = unresolved.answer.partition("/")
    name, stages = (reference.pipelines or {})[pipeline]
    return {"pipelineId": pipeline, "pipelineStageId": stage}, f"goes into “{name}”, “{stages[stage]}”, as you chose"


def unresolved_stage(row: Mapping[str, Any], reference: ReferenceData) -> UnresolvedStage | None:
    """Return what the user has to decide about this opportunity; None where its stage is clear or the location's
    pipelines are not known."""
    target, why = _stage_by_id_or_name(row, reference)
    if target is not None or reference.pipelines is None:
        return None
    pipeline, stage = _stage_ids(row)
    key = f"{pipeline}/{stage}"
    name, stages = reference.past_pipelines.get(pipeline) or reference.pipelines.get(pipeline) or ("", {})
    answer = reference.stage_choices.get(key)
    return UnresolvedStage(key, name, stages.get(stage, ""), why, answer if _is_valid(answer, reference) else None)


def _is_valid(answer: str | None, reference: ReferenceData) -> bool:
    """Whether the chosen stage still exists, or the choice is to leave the opportunities out."""
    if not answer:
        return answer == ""
    pipeline, _, stage = answer.partition("/")
    return stage in (reference.pipelines or {}).get(pipeline, ("", {}))[1]


def _stage_ids(row: Mapping[str, Any]) -> tuple[str, str]:
    pipeline, stage = row.get("pipelineId"), row.get("pipelineStageId")
    return pipeline if isinstance(pipeline, str) else "", stage if isinstance(stage, str) else ""


def _stage_by_id_or_name(row: Mapping[str, Any], reference: ReferenceData) -> tuple[dict[str, Any] | None, str]:
    pipeline, stage = _stage_ids(row)
    if reference.pipelines is None:
        return ({"pipelineId": pipeline, "pipelineStageId": stage} if pipeline and stage else None), ""
    old_name, old_stages = reference.past_pipelines.get(pipeline, ("", {}))
    target, words = pipeline, ""
    if pipeline not in reference.pipelines:
        target = next((key for key, (name, _) in reference.pipelines.items() if same_name(name, old_name)), "")
        if not target:
            return None, "its pipeline no longer exists, and none has its name"
        words = f"goes into the pipeline that is now called “{old_name}”"
    stages = reference.pipelines[target][1]
    if stage in stages:
        return {"pipelineId": target, "pipelineStageId": stage}, words
    name = old_stages.get(stage, "")
    mapped = next((key for key, label in stages.items() if same_name(label, name)), "")
    if not mapped:
        return None, "its stage no longer exists, and none has its name"
    return {"pipelineId": target, "pipelineStageId": mapped}, words or f"goes into the stage now called “{name}”"
