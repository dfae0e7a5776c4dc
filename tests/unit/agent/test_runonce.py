"""A Workflow that ran is never made again."""

from __future__ import annotations

from typing import Any

import pytest

from agent.decide.runonce import (
    GONE,
    NAME_TAKEN,
    REPLACED,
    Apply,
    Create,
    Decision,
    Leave,
    ReportLost,
    decide,
    reported_in_full,
    runs_once,
)
from controllers.api.keys import HUB_UID_ANNOTATION
from controllers.api.work import AppliedResource, ManifestResourceMeta

META = ManifestResourceMeta(
    ordinal=0,
    group="argoproj.io",
    version="v1alpha1",
    kind="Workflow",
    resource="workflows",
    name="hello",
    namespace="argo",
)


def recorded(uid: str, version: str = "v1alpha1", name: str = "hello") -> AppliedResource:
    return AppliedResource(
        group="argoproj.io", resource="workflows", name=name, namespace="argo", version=version, uid=uid
    )


def live(uid: str = "u1", origin: str = "hub1", **metadata: Any) -> dict[str, Any]:
    annotations = {HUB_UID_ANNOTATION: origin} if origin else None
    return {"metadata": {"uid": uid, "annotations": annotations, **metadata}}


GOING = {"deletionTimestamp": "2026-11-21T09:00:00Z"}


@pytest.mark.parametrize(
    ("applied", "found", "complete", "expected"),
    [
        ([], None, False, Create()),
        ([recorded("")], None, False, Create()),
        ([recorded("u1", name="other")], None, False, Create()),
        ([recorded("u1")], live(), False, Apply()),
        ([recorded("u1", version="v1")], live(), False, Apply()),
        ([recorded("u1")], live(**GOING), False, Leave()),
        ([recorded("u1")], None, False, GONE),
        ([recorded("u0")], live(), False, REPLACED),
        # The agent died between creating it and recording it.
        ([], live(), False, Apply()),
        ([], live(**GOING), False, Leave()),
        ([], live(origin="hub2"), False, NAME_TAKEN),
        ([], live(origin=""), False, NAME_TAKEN),
        ([recorded("u1")], None, True, Leave()),
        ([recorded("u1")], live(), True, Leave()),
        ([], None, True, Leave()),
    ],
)
def test_decisions(
    applied: list[AppliedResource],
    found: dict[str, Any] | None,
    complete: bool,
    expected: Decision | str,
) -> None:
    decision = decide(META, applied, found, complete=complete, origin="hub1")
    if isinstance(expected, str):
        assert isinstance(decision, ReportLost)
        assert decision.reason == expected
        assert "argo/hello" in decision.message
    else:
        assert decision == expected


def test_without_an_origin_what_is_there_is_taken_over() -> None:
    assert decide(META, [], live(origin=""), complete=False) == Apply()


@pytest.mark.parametrize(
    ("group", "kind", "expected"),
    [("argoproj.io", "Workflow", True), ("argoproj.io", "CronWorkflow", False), ("", "Pod", False)],
)
def test_only_workflows_run_once(group: str, kind: str, expected: bool) -> None:
    assert runs_once(ManifestResourceMeta(ordinal=0, group=group, kind=kind)) is expected


def test_of_several_workflows_the_first_is_reported_in_full() -> None:
    def meta(ordinal: int, kind: str) -> ManifestResourceMeta:
        return ManifestResourceMeta(
            ordinal=ordinal, group="argoproj.io" if kind == "Workflow" else "", kind=kind
        )

    assert reported_in_full([]) is None
    assert reported_in_full([meta(0, "Pod")]) is None
    assert reported_in_full([meta(0, "Pod"), meta(2, "Workflow"), meta(1, "Workflow")]) == 1
