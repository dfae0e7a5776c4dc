"""Statuses of the asked size, whose later changes are small."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controllers.api import keys
from controllers.kube.patch import merge_diff
from hack.bench.workload import RUN_SECONDS, STATUS_BYTES, stages, workflow

NAME = "burst-300-1c-2k-00007"


def merged(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """RFC 7386 without removals."""
    new = dict(old)
    for key, value in patch.items():
        new[key] = merged(new.get(key) or {}, value) if isinstance(value, dict) else value
    return new


@pytest.mark.parametrize("size", [2_048, 10_240, 102_400])
def test_the_first_stage_has_the_asked_size_and_the_others_are_small(size: int) -> None:
    first, *others = (len(msgspec.json.encode(stage)) for stage in stages(NAME, size))
    assert first == pytest.approx(size, rel=0.05)
    assert max(others) < 400


@pytest.mark.parametrize("size", [0, 2_048, 102_400])
def test_the_stages_end_in_a_whole_success(size: int) -> None:
    seen: list[dict[str, Any]] = [{}]
    for stage in stages(NAME, size):
        seen.append(merged(seen[-1], stage))
        assert merge_diff(seen[-2], seen[-1]) is not None, "every stage changes something"
    phases = [item.get("status", {}).get("phase") for item in seen]
    assert phases == [None, "Running", "Running", "Succeeded"]
    last = seen[-1]
    done, _, everything = last["status"]["progress"].partition("/")
    assert done == everything
    assert {node["phase"] for node in last["status"]["nodes"].values()} == {"Succeeded"}
    assert last["metadata"]["labels"] == {keys.PHASE_LABEL: "Succeeded", keys.COMPLETED_LABEL: "true"}
    assert last["status"]["finishedAt"]


def test_a_workflow_says_how_it_is_to_be_executed() -> None:
    meta = workflow(NAME, run="burst", status_bytes=2048, run_seconds=0.4)["metadata"]
    assert (meta["annotations"][STATUS_BYTES], meta["annotations"][RUN_SECONDS]) == ("2048", "0.4")
    assert meta["labels"][keys.ENABLE_LABEL] == "true"
