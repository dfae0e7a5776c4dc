"""What a work's status says of one manifest whose object, kind or earlier status is not known."""

from __future__ import annotations

import msgspec
import pytest

from agent.decide.status import Failure, Observation, completed_manifest, desired_status, known_meta
from controllers.api.conditions import find
from controllers.api.manifestconfig import FeedbackRule, JsonPath
from controllers.api.meta import timestamp
from controllers.api.work import ManifestResourceMeta
from tests.unit.agent.judging import judgements
from tests.unit.agent.test_status import CONFIG_MAP, LATER, NOW, OPTION, WORKFLOW, conditions, work, workflow


@pytest.mark.parametrize("absent", ["resource", "version", "name"])
def test_a_manifest_that_is_not_known_whole_is_neither_there_nor_not(absent: str) -> None:
    meta = msgspec.structs.replace(WORKFLOW, **{absent: ""})
    for live in (None, workflow("Running")):
        [found] = desired_status(
            work(manifest_configs=[]), [Observation(meta, live)], NOW
        ).resource_status.manifests
        assert conditions(found.conditions)["Available"] == ("Unknown", "IncompleteResourceMeta")


def test_only_a_manifest_that_is_complete_is_told_so() -> None:
    observed = [Observation(WORKFLOW, workflow("Running")), Observation(CONFIG_MAP, {})]
    running = work(desired_status(work(), observed, NOW))
    assert not completed_manifest(running, WORKFLOW)
    assert not completed_manifest(running, CONFIG_MAP)
    assert not completed_manifest(work(), WORKFLOW)
    failed = workflow("Failed")
    judged = judgements(failed, OPTION.condition_rules)
    seen = [Observation(WORKFLOW, failed, judged=judged), *observed[1:]]
    ended = work(desired_status(work(), seen, NOW))
    assert completed_manifest(ended, WORKFLOW)
    assert not completed_manifest(ended, CONFIG_MAP)


def test_a_kind_that_is_not_served_now_is_named_as_it_was_last() -> None:
    known = work(desired_status(work(), [Observation(CONFIG_MAP, {}), Observation(WORKFLOW)], NOW))

    def unserved(meta: ManifestResourceMeta) -> ManifestResourceMeta:
        return msgspec.structs.replace(meta, resource="")

    assert known_meta(known, unserved(WORKFLOW)) == WORKFLOW
    assert known_meta(known, unserved(CONFIG_MAP)) == CONFIG_MAP
    # Whether the kind has namespaces is not known either.
    elsewhere = msgspec.structs.replace(unserved(WORKFLOW), namespace="")
    assert known_meta(known, elsewhere) == WORKFLOW
    other = msgspec.structs.replace(unserved(WORKFLOW), name="other")
    assert known_meta(known, other) == other
    assert known_meta(work(), unserved(WORKFLOW)) == unserved(WORKFLOW)


def test_a_manifest_that_can_not_be_read_is_known_by_its_place_alone() -> None:
    def unread(ordinal: int) -> Observation:
        return Observation(ManifestResourceMeta(ordinal=ordinal), failure=Failure("no JSON"))

    first = work(desired_status(work(manifest_configs=[]), [unread(0)], NOW))
    second = desired_status(first, [unread(0), unread(1)], LATER)
    since = []
    for manifest in second.resource_status.manifests:
        applied = find(manifest.conditions, "Applied")
        assert applied is not None
        since.append(applied.last_transition_time)
    assert since == [timestamp(NOW), timestamp(LATER)]


@pytest.mark.parametrize(
    ("observed", "kind", "message"),
    [
        (Observation(WORKFLOW, unreadable="forbidden"), "Available", "Failed to fetch resource: forbidden"),
        (Observation(WORKFLOW), "Available", "Resource is not available"),
        (Observation(WORKFLOW, workflow("Running")), "Available", "Resource is available"),
        (Observation(ManifestResourceMeta(ordinal=0)), "Available", "Resource meta is incomplete"),
        (Observation(WORKFLOW, workflow("Running")), "Applied", "Apply manifest complete"),
        (
            Observation(WORKFLOW, workflow("Running")),
            "StatusFeedbackSynced",
            (
                "Sync status feedback failed with error [a: a path starts with a dot, a bracket or $, "
                "b: a path starts with a dot, a bracket or $]"
            ),
        ),
    ],
)
def test_conditions_speak_as_those_of_ocm(observed: Observation, kind: str, message: str) -> None:
    paths = [JsonPath(name="a", path="a"), JsonPath(name="b", path="b")]
    option = msgspec.structs.replace(
        OPTION, feedback_rules=[FeedbackRule(type="JSONPaths", json_paths=paths)]
    )
    [manifest] = desired_status(work(manifest_configs=[option]), [observed], NOW).resource_status.manifests
    found = find(manifest.conditions, kind)
    assert found is not None
    assert found.message == message
