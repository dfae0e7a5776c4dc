"""What of a hub's change goes to a running copy, and what somebody did on the cluster stays."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.steer import Json, steering, with_record
from controllers.api.keys import LAST_APPLIED_ANNOTATION
from controllers.api.workflow import MUTABLE_SPEC


def workflow(**spec: Any) -> Json:
    return {"metadata": {"name": "w"}, "spec": {"entrypoint": "t", **spec}}


def changed_there(copy: Json, **spec: Any) -> Json:
    """As somebody on the cluster changes it; None takes a field away."""
    merged = {**copy["spec"], **spec}
    return {**copy, "spec": {name: value for name, value in merged.items() if value is not None}}


def patched(copy: Json, patch: Json | None) -> Json:
    if patch is None:
        return copy
    annotations = {**copy["metadata"].get("annotations", {}), **patch["metadata"]["annotations"]}
    copy = {**copy, "metadata": {**copy["metadata"], "annotations": annotations}}
    return changed_there(copy, **patch.get("spec", {}))


CASES = [
    # made from, changed on the cluster, asked for now -> the spec's part of the patch
    ("nothing has changed", {}, {}, {}, None),
    ("changed on the cluster only", {}, {"shutdown": "Stop"}, {}, None),
    ("taken away on the cluster only", {"suspend": True}, {"suspend": None}, {"suspend": True}, None),
    ("set on the hub", {}, {}, {"suspend": True}, {"suspend": True}),
    ("taken away on the hub", {"suspend": True}, {}, {}, {"suspend": None}),
    ("changed on the hub", {"parallelism": 1}, {}, {"parallelism": 2}, {"parallelism": 2}),
    ("one here, one there", {}, {"shutdown": "Stop"}, {"priority": 3}, {"priority": 3}),
    ("the same on both", {}, {"shutdown": "Stop"}, {"shutdown": "Stop"}, {}),
    ("the hub wins", {}, {"shutdown": "Stop"}, {"shutdown": "Terminate"}, {"shutdown": "Terminate"}),
]


@pytest.mark.parametrize(
    ("made", "there", "asked", "patch"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_three_ways(made: Json, there: Json, asked: Json, patch: Json | None) -> None:
    copy = changed_there(with_record(workflow(**made)), **there)
    found = steering(workflow(**asked), copy, brought=False)
    assert (found and found.get("spec", {})) == patch


def test_other_fields_of_the_spec_are_never_written() -> None:
    copy = with_record(workflow())
    assert steering(workflow(entrypoint="other", arguments={"parameters": []}), copy, brought=False) is None


def test_the_record_is_kept_beside_other_annotations() -> None:
    manifest = {"metadata": {"name": "w", "annotations": {"a": "b"}}, "spec": {"suspend": True}}
    assert with_record(manifest)["metadata"]["annotations"] == {
        "a": "b",
        LAST_APPLIED_ANNOTATION: '{"suspend":true}',
    }


@pytest.mark.parametrize("spoilt", ["", "no JSON", "[1]", "{"])
def test_a_record_that_somebody_spoilt_is_made_anew_and_the_hub_steers(spoilt: str) -> None:
    copy = changed_there(workflow(), suspend=True)
    copy["metadata"] = {"annotations": {LAST_APPLIED_ANNOTATION: spoilt}}
    patch = steering(workflow(parallelism=1), copy, brought=True)
    assert patch is not None
    assert patch["spec"] == {"parallelism": 1, "suspend": None}
    assert steering(workflow(parallelism=1), patched(copy, patch), brought=True) is None


@pytest.mark.parametrize(("brought", "spec"), [(True, None), (False, {"shutdown": None})])
def test_a_copy_of_ocms_agent_bears_no_record(brought: bool, spec: Json | None) -> None:
    patch = steering(workflow(), workflow(shutdown="Stop"), brought=brought)
    assert patch is not None
    assert patch.get("spec") == spec


specs = st.dictionaries(st.sampled_from(MUTABLE_SPEC), st.sampled_from([1, 2, True, "Stop"]))
changes = st.dictionaries(st.sampled_from(MUTABLE_SPEC), st.sampled_from([None, 1, "Stop"]))


@given(made=specs, there=changes, asked=specs)
def test_once_steered_what_the_hub_changed_is_there_and_the_rest_is_untouched(
    made: Json, there: Json, asked: Json
) -> None:
    copy = changed_there(with_record(workflow(**made)), **there)
    steered = patched(copy, steering(workflow(**asked), copy, brought=False))
    for name in MUTABLE_SPEC:
        hub_changed_it = made.get(name) != asked.get(name)
        assert steered["spec"].get(name) == (asked if hub_changed_it else copy["spec"]).get(name)
    assert steering(workflow(**asked), steered, brought=False) is None
    assert msgspec.json.decode(steered["metadata"]["annotations"][LAST_APPLIED_ANNOTATION]) == asked
