"""Objects that have ended and will be removed by their time to live."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.decide.finished import FINISHED, ended, has_ended
from controllers.kube.object import Object


def job(spec: Any, *conditions: Any) -> dict[str, Any]:
    return {"spec": spec, "status": {"conditions": list(conditions)}}


COMPLETE = {"type": "Complete", "status": "True"}
FAILED = {"type": "Failed", "status": "True"}
RUNNING = {"type": "Complete", "status": "False"}


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (job({"ttlSecondsAfterFinished": 0}, COMPLETE), True),
        (job({"ttlSecondsAfterFinished": 60}, RUNNING, FAILED), True),
        (job({"runPolicy": {"ttlSecondsAfterFinished": 60}}, {"type": "Succeeded", "status": "True"}), True),
        (job({"ttlSecondsAfterFinished": 60}, RUNNING), False),
        (job({"ttlSecondsAfterFinished": 60}), False),
        (job({}, COMPLETE), False),
        (job({"ttlSecondsAfterFinished": None}, COMPLETE), False),
        (job("no map", "no condition"), False),
        ({"spec": {"ttlSecondsAfterFinished": 1}, "status": "odd"}, False),
        ({"spec": {"ttlSecondsAfterFinished": 1}, "status": {"conditions": {"a": 1}}}, False),
        ({}, False),
    ],
)
def test_what_has_ended(live: dict[str, Any], expected: bool) -> None:
    assert has_ended(Object(msgspec.json.encode({"metadata": {}, **live}))) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"batch/jobs/ns/x": "abc"}', {"batch/jobs/ns/x": "abc"}), ("odd", {}), ("[1]", {}), ('"\\ud800"', {})],
)
def test_what_is_noted(text: str, expected: dict[str, str]) -> None:
    body = {"metadata": {"name": "t", "annotations": {FINISHED: text}}}
    assert ended(Object(msgspec.json.encode(body))) == expected
