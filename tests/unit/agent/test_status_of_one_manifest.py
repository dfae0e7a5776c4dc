"""What a work's status says of one manifest whose object, kind or earlier status is not known."""

from __future__ import annotations

import msgspec
import pytest

from agent.decide.status import Observation, completed_manifest, desired_status, known_meta
from controllers.api.work import ManifestResourceMeta
from tests.unit.agent.test_status import CONFIG_MAP, NOW, WORKFLOW, conditions, work, workflow


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
    ended = work(desired_status(work(), [Observation(WORKFLOW, workflow("Failed")), *observed[1:]], NOW))
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
