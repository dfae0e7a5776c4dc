"""The status of a work: single manifests, aggregates, what stays, what is written."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide import status as deciding
from agent.decide.aggregate import work_conditions
from agent.decide.config import options_for
from agent.decide.status import (
    Failure,
    Observation,
    applied_generation,
    completed_manifest,
    is_complete,
    status_patch,
)
from controllers.api.conditions import find
from controllers.api.manifestconfig import (
    ConditionRule,
    FeedbackRule,
    JsonPath,
    ManifestConfigOption,
    ResourceIdentifier,
)
from controllers.api.meta import Condition, ObjectMeta, timestamp
from controllers.api.work import (
    ManifestCondition,
    ManifestResourceMeta,
    ManifestWork,
    ManifestWorkSpec,
    ManifestWorkStatus,
)
from tests.unit.agent.judging import judgements

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

WORKFLOW = ManifestResourceMeta(
    ordinal=0,
    group="argoproj.io",
    version="v1alpha1",
    kind="Workflow",
    resource="workflows",
    name="hello",
    namespace="argo",
)
CONFIG_MAP = ManifestResourceMeta(
    ordinal=1, version="v1", kind="ConfigMap", resource="configmaps", name="c", namespace="argo"
)

OPTION = ManifestConfigOption(
    resource_identifier=ResourceIdentifier(
        group="argoproj.io", resource="workflows", name="hello", namespace="argo"
    ),
    feedback_rules=[
        FeedbackRule(type="JSONPaths", json_paths=[JsonPath(name="phase", path=".status.phase")])
    ],
    condition_rules=[
        ConditionRule(
            condition="Complete",
            type="CEL",
            cel_expressions=["object.?status.?phase.orValue('') in ['Succeeded', 'Failed', 'Error']"],
        )
    ],
)


def desired_status(work: ManifestWork, observations: list[Observation], now: datetime) -> ManifestWorkStatus:
    """With what the work's rules say of its objects."""
    return deciding.desired_status(
        work,
        [
            replace(
                seen,
                judged=judgements(
                    seen.live, options_for(seen.meta, work.spec.manifest_configs).condition_rules
                ),
            )
            if seen.live is not None
            else seen
            for seen in observations
        ],
        now,
    )


def work(status: ManifestWorkStatus | None = None, generation: int = 1, **spec: Any) -> ManifestWork:
    return ManifestWork(
        metadata=ObjectMeta(name="hello-abc12", generation=generation),
        spec=ManifestWorkSpec(**({"manifest_configs": [OPTION]} | spec)),
        status=status or ManifestWorkStatus(),
    )


def workflow(phase: str) -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "status": {"phase": phase}}


def conditions(found: list[Condition]) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status, one.reason) for one in found}


def phase_of(status: ManifestWorkStatus) -> str | None:
    values = status.resource_status.manifests[0].status_feedback.values
    return values[0].value.string if values else None


def test_a_running_workflow() -> None:
    status = desired_status(work(), [Observation(WORKFLOW, workflow("Running"))], NOW)
    assert conditions(status.conditions) == {
        "Applied": ("True", "AppliedManifestWorkComplete"),
        "Available": ("True", "ResourcesAvailable"),
        "Complete": ("False", "ConditionRulesAggregated"),
    }
    assert {one.observed_generation for one in status.conditions} == {1}
    [manifest] = status.resource_status.manifests
    assert manifest.resource_meta == WORKFLOW
    assert conditions(manifest.conditions) == {
        "Applied": ("True", "AppliedManifestComplete"),
        "Available": ("True", "ResourceAvailable"),
        "StatusFeedbackSynced": ("True", "StatusFeedbackSynced"),
        "Complete": ("False", "ConditionRuleEvaluated"),
    }
    assert phase_of(status) == "Running"
    assert not is_complete(work(status))


def test_nothing_changed_nothing_to_write() -> None:
    observations = [Observation(WORKFLOW, workflow("Running"))]
    status = desired_status(work(), observations, NOW)
    again = desired_status(work(status), observations, LATER)
    assert again == status
    assert status_patch(status, again) is None


def test_an_ended_workflow_stays_complete_when_its_ttl_has_removed_it() -> None:
    running = desired_status(work(), [Observation(WORKFLOW, workflow("Running"))], NOW)
    ended = desired_status(work(running), [Observation(WORKFLOW, workflow("Succeeded"))], LATER)
    gone = desired_status(work(ended), [Observation(WORKFLOW)], LATER + timedelta(hours=1))

    assert is_complete(work(ended))
    assert is_complete(work(gone))
    assert completed_manifest(work(gone), WORKFLOW)
    assert phase_of(gone) == "Succeeded"
    complete = find(gone.conditions, "Complete")
    assert complete is not None
    assert complete.last_transition_time == timestamp(LATER)
    assert conditions(gone.conditions)["Available"] == ("False", "ResourcesNotAvailable")
    # ... also when the spec changes after that.
    assert is_complete(work(desired_status(work(gone, generation=2), [Observation(WORKFLOW)], LATER)))


def test_the_feedback_condition_tells_when_values_changed() -> None:
    first = desired_status(work(), [Observation(WORKFLOW, workflow("Pending"))], NOW)
    second = desired_status(work(first), [Observation(WORKFLOW, workflow("Running"))], LATER)
    [manifest] = second.resource_status.manifests
    synced, applied = find(manifest.conditions, "StatusFeedbackSynced"), find(manifest.conditions, "Applied")
    assert synced is not None
    assert synced.last_transition_time == timestamp(LATER)
    assert applied is not None
    assert applied.last_transition_time == timestamp(NOW)


def test_failed_and_unreadable_manifests() -> None:
    observations = [
        Observation(ManifestResourceMeta(ordinal=2), failure=Failure("name must be set in the manifest")),
        Observation(
            CONFIG_MAP, unreadable="forbidden", failure=Failure("Gone with the wind", "WorkflowGone")
        ),
        Observation(WORKFLOW, workflow("Running")),
    ]
    status = desired_status(work(manifest_configs=[]), observations, NOW)

    assert [one.resource_meta.ordinal for one in status.resource_status.manifests] == [0, 1, 2]
    by_ordinal = [conditions(one.conditions) for one in status.resource_status.manifests]
    assert by_ordinal[0]["StatusFeedbackSynced"] == ("True", "NoStatusFeedbackSynced")
    assert by_ordinal[1] == {
        "Applied": ("False", "WorkflowGone"),
        "Available": ("Unknown", "FetchingResourceFailed"),
    }
    assert by_ordinal[2] == {
        "Applied": ("False", "AppliedManifestFailed"),
        "Available": ("Unknown", "IncompleteResourceMeta"),
    }
    failed = find(status.resource_status.manifests[2].conditions, "Applied")
    assert failed is not None
    assert failed.message == "Failed to apply manifest: name must be set in the manifest"
    assert conditions(status.conditions) == {
        "Applied": ("False", "AppliedManifestWorkFailed"),
        "Available": ("Unknown", "ResourcesStatusUnknown"),
    }


def test_failing_feedback_keeps_the_other_values() -> None:
    rule = FeedbackRule(
        type="JSONPaths",
        json_paths=[JsonPath(name="bad", path="oops"), JsonPath(name="phase", path=".status.phase")],
    )
    option = msgspec.structs.replace(OPTION, feedback_rules=[rule])
    observations = [Observation(WORKFLOW, workflow("Running"))]
    status = desired_status(work(manifest_configs=[option]), observations, NOW)
    synced = find(status.resource_status.manifests[0].conditions, "StatusFeedbackSynced")
    assert synced is not None
    assert (synced.status, synced.reason) == ("False", "StatusFeedbackSyncFailed")
    assert synced.message == (
        "Sync status feedback failed with error oops: a path starts with a dot, a bracket or $"
    )
    assert phase_of(status) == "Running"


def test_a_pass_that_applies_nothing_leaves_applied_as_it_was() -> None:
    failed = desired_status(work(), [Observation(WORKFLOW, failure=Failure("no"))], NOW)
    seen = desired_status(
        work(failed, generation=2), [Observation(WORKFLOW, workflow("Running"), attempted=False)], LATER
    )
    [manifest] = seen.resource_status.manifests
    assert find(manifest.conditions, "Applied") == find(
        failed.resource_status.manifests[0].conditions, "Applied"
    )


def test_the_applied_generation_is_that_of_the_last_success() -> None:
    running = Observation(WORKFLOW, workflow("Running"))
    assert applied_generation(work(), WORKFLOW) is None
    status = desired_status(work(generation=2), [running], NOW)
    assert applied_generation(work(status, generation=3), WORKFLOW) == 2
    assert applied_generation(work(status, generation=3), CONFIG_MAP) is None
    status = desired_status(work(status, generation=3), [running], LATER)
    assert applied_generation(work(status, generation=3), WORKFLOW) == 3
    failure = Observation(WORKFLOW, None, failure=Failure("no"))
    status = desired_status(work(status, generation=4), [failure], LATER)
    assert applied_generation(work(status, generation=4), WORKFLOW) is None


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        (Observation(CONFIG_MAP, {}), ("True", "ResourceAvailable")),
        (Observation(CONFIG_MAP, {}, failure=Failure("no")), ("True", "ResourceAvailable")),
        (Observation(CONFIG_MAP, exists=True, failure=Failure("no")), ("True", "ResourceAvailable")),
        (Observation(CONFIG_MAP, failure=Failure("no")), ("False", "ResourceNotAvailable")),
        (Observation(CONFIG_MAP, {}, gone=True), ("False", "ResourceNotAvailable")),
        (
            Observation(CONFIG_MAP, unreadable="no", failure=Failure("no")),
            ("Unknown", "FetchingResourceFailed"),
        ),
        (
            Observation(ManifestResourceMeta(ordinal=1, kind="ConfigMap")),
            ("Unknown", "IncompleteResourceMeta"),
        ),
    ],
)
def test_available_says_whether_the_object_exists(
    observation: Observation, expected: tuple[str, str]
) -> None:
    reports = ManifestConfigOption(
        resource_identifier=ResourceIdentifier(resource="configmaps", name="*", namespace="*"),
        feedback_rules=[FeedbackRule(type="JSONPaths", json_paths=[JsonPath(name="k", path=".kind")])],
    )
    status = desired_status(work(manifest_configs=[reports]), [observation], NOW)
    (manifest,) = status.resource_status.manifests
    assert conditions(manifest.conditions)["Available"] == expected
    assert manifest.status_feedback.values == []


def test_removed_rules_take_their_conditions_along() -> None:
    observations = [Observation(WORKFLOW, workflow("Running"))]
    before = desired_status(work(), observations, NOW)
    after = desired_status(work(before, generation=2, manifest_configs=[]), observations, LATER)
    assert "Complete" not in conditions(after.conditions)
    assert "Complete" not in conditions(after.resource_status.manifests[0].conditions)
    assert phase_of(after) is None


def test_conditions_of_others_stay() -> None:
    deleting = Condition(
        type="Deleting", status="True", reason="WorkDeleting", message="", last_transition_time=timestamp(NOW)
    )
    status = desired_status(
        work(ManifestWorkStatus(conditions=[deleting])), [Observation(WORKFLOW, workflow("Running"))], NOW
    )
    assert deleting in status.conditions


def test_a_manifest_is_known_again_at_another_place() -> None:
    first = desired_status(
        work(), [Observation(WORKFLOW, workflow("Succeeded")), Observation(CONFIG_MAP, {})], NOW
    )
    moved = msgspec.structs.replace(WORKFLOW, ordinal=1)
    swapped = [Observation(moved), Observation(msgspec.structs.replace(CONFIG_MAP, ordinal=0), {})]
    second = desired_status(work(first, generation=2), swapped, LATER)
    [config_map, workflow_now] = second.resource_status.manifests
    assert config_map.resource_meta.kind == "ConfigMap"
    assert workflow_now.status_feedback.values[0].value.string == "Succeeded"
    assert completed_manifest(work(second), moved)


def test_the_patch_is_what_the_api_server_takes() -> None:
    empty = ManifestWorkStatus()
    status = desired_status(work(), [Observation(WORKFLOW, workflow("Running"))], NOW)
    patch = status_patch(empty, status)
    assert patch is not None
    assert set(patch) == {"status"}
    assert msgspec.convert(patch["status"], ManifestWorkStatus) == status
    for one in patch["status"]["resourceStatus"]["manifests"][0]["conditions"]:
        # metav1.Condition requires all of these, an empty message too.
        assert {"type", "status", "reason", "message", "lastTransitionTime"} <= set(one)

    later = desired_status(work(status), [Observation(WORKFLOW, workflow("Failed"))], LATER)
    change = status_patch(status, later)
    assert change is not None
    assert set(change["status"]) == {"conditions", "resourceStatus"}


# -- aggregation -----------------------------------------------------------------------------------------
Status = Literal["True", "False", "Unknown"]
_STATUSES: list[Status] = ["True", "False", "Unknown"]


def manifest(ordinal: int, **statuses: Status) -> ManifestCondition:
    """A manifest with these conditions; those that are not the agent's own come from rules."""
    return ManifestCondition(
        resource_meta=ManifestResourceMeta(ordinal=ordinal),
        conditions=[
            Condition(
                type=kind,
                status=status,
                reason="Own" if kind in ("Applied", "Available") else "ConditionRuleEvaluated",
                message=f"{kind} of {ordinal}",
                last_transition_time=timestamp(NOW),
            )
            for kind, status in statuses.items()
        ],
    )


def aggregate(*manifests: ManifestCondition) -> dict[str, tuple[str, str]]:
    found = work_conditions(manifests, generation=1, now=NOW)
    return {one.type: (one.status, one.message) for one in found}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], ("Unknown", "cannot get any available resource")),
        (["True", "True"], ("True", "All resources are available")),
        (["True", "False", "Unknown"], ("False", "1 of 3 resources are not available")),
        (["True", "Unknown", "Unknown"], ("Unknown", "2 of 3 resources have unknown status")),
    ],
)
def test_available(statuses: list[Status], expected: tuple[str, str]) -> None:
    found = aggregate(*(manifest(n, Available=status) for n, status in enumerate(statuses)))
    assert found["Available"] == expected


def test_a_work_of_which_nothing_was_applied_says_nothing_of_applied() -> None:
    assert "Applied" not in aggregate(manifest(0, Available="True"))


@pytest.mark.parametrize(
    ("kind", "statuses", "expected"),
    [
        ("Complete", ["True"], ("True", "Complete of 0")),
        ("Complete", ["True", "True"], ("True", "Aggregated from 2 manifest conditions")),
        ("Complete", ["True", "False", "Unknown"], ("False", "Aggregated from 3 manifest conditions")),
        ("Complete", ["True", "Unknown"], ("Unknown", "Aggregated from 2 manifest conditions")),
        ("Progressing", ["False", "True", "Unknown"], ("True", "Aggregated from 3 manifest conditions")),
        ("Progressing", ["False", "Unknown"], ("Unknown", "Aggregated from 2 manifest conditions")),
        ("Progressing", ["False", "False"], ("False", "Aggregated from 2 manifest conditions")),
    ],
)
def test_rules(kind: str, statuses: list[Status], expected: tuple[str, str]) -> None:
    found = aggregate(*(manifest(n, **{kind: status}) for n, status in enumerate(statuses)))
    assert found[kind] == expected


_MANIFESTS = st.lists(
    st.dictionaries(
        st.sampled_from(["Applied", "Available", "Complete", "Progressing"]), st.sampled_from(_STATUSES)
    ),
    max_size=4,
)


@given(_MANIFESTS)
def test_aggregation_does_not_depend_on_the_order(statuses: list[dict[str, Status]]) -> None:
    manifests = [manifest(n, **each) for n, each in enumerate(statuses)]
    expected = work_conditions(manifests, generation=1, now=NOW)
    for order in itertools.permutations(manifests):
        assert work_conditions(order, generation=1, now=NOW) == expected
