"""What the typed models write and read, where it matters to a server or to OCM's clients."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest

from controllers.api.cluster import ManagedCluster
from controllers.api.cluster_set import ManagedClusterSet
from controllers.api.meta import Condition
from controllers.api.model import Int32, Model, extra
from controllers.api.placement import Placement, PlacementStatus
from controllers.api.workflow import Workflow, WorkflowSpec, WorkflowStatus, WorkflowStatusResult


def decode(model: type[Any], **wire: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode({"metadata": {"name": "x"}, **wire}), type=model)


def test_models_take_keywords_only_in_any_order_of_defaults() -> None:
    class Late(Model):
        first: str = ""
        last: str

    assert msgspec.to_builtins(Late(last="z")) == {"last": "z"}
    with pytest.raises(TypeError):
        Late("a", "z")  # type: ignore[call-arg]


def test_extra_writes_the_dashes_of_kubernetes() -> None:
    class Spelled(Model):
        items: Annotated[Int32, extra(x_kubernetes_list_type="set", minLength=2)]

    schema = msgspec.json.schema(Spelled)["$defs"]["Spelled"]["properties"]["items"]
    assert schema == {"type": "integer", "format": "int32", "x-kubernetes-list-type": "set", "minLength": 2}


def test_limits_do_not_stop_decoding() -> None:
    """An object stored under an older or a laxer schema must stay readable."""
    long = "x" * 400
    condition = {"type": long, "status": "True", "reason": "", "message": "", "lastTransitionTime": "t"}
    assert msgspec.convert(condition, Condition).type == long


def test_required_fields_are_written_even_when_empty() -> None:
    condition = Condition(type="A", status="True", reason="R", message="", last_transition_time="t")
    assert msgspec.to_builtins(condition)["message"] == ""


def test_what_an_empty_placement_means() -> None:
    spec = decode(Placement, spec={}).spec
    assert spec.number_of_clusters is None
    assert spec.prioritizer_policy.mode == "Additive"
    assert spec.decision_strategy.group_strategy.clusters_per_decision_group == "100%"


def test_a_placement_status_is_written_with_every_field() -> None:
    assert msgspec.to_builtins(PlacementStatus()) == {
        "numberOfSelectedClusters": 0,
        "decisionGroups": [],
        "conditions": [],
    }


def test_unset_and_empty_set_selectors_differ() -> None:
    how: dict[str, Any] = {"selectorType": "LabelSelector"}
    unset = decode(ManagedClusterSet, spec={"clusterSelector": how})
    empty = decode(ManagedClusterSet, spec={"clusterSelector": {**how, "labelSelector": {}}})
    assert unset.spec.cluster_selector.label_selector is None
    assert empty.spec.cluster_selector.label_selector is not None


def test_quantities_and_null_times_are_read() -> None:
    cluster = decode(
        ManagedCluster,
        spec={"taints": [{"key": "a", "effect": "NoSelect", "timeAdded": None}]},
        status={"capacity": {"cpu": 4, "memory": "8Gi"}, "clusterClaims": [{"name": "id", "value": "1"}]},
    )
    assert cluster.spec.taints[0].time_added is None
    assert cluster.status.capacity == {"cpu": 4, "memory": "8Gi"}
    assert cluster.claims() == {"id": "1"}


@pytest.mark.parametrize("suspend", [True, False, "yes", {"odd": 1}])
def test_any_workflow_spec_is_read(suspend: object) -> None:
    workflow = decode(Workflow, spec={"suspend": suspend, "templates": [{"cluster": "c1"}]})
    assert workflow.spec == WorkflowSpec(suspend=suspend)
    assert workflow.status == WorkflowStatus()


def test_a_full_status_passes_through_byte_for_byte() -> None:
    full = b'{"phase":"Running","nodes":{"a":{"b":[1, 2.50]}}}'
    wire = b'{"metadata":{"name":"x"},"workflowStatus":' + full + b"}"
    result = msgspec.json.decode(wire, type=WorkflowStatusResult)
    assert msgspec.json.encode(result) == wire
    assert msgspec.json.decode(result.workflow_status, type=WorkflowStatus).phase == "Running"


def test_an_unknown_literal_is_an_error() -> None:
    class Strict(Model):
        kind: Literal["A"]

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"kind": "B"}, Strict)
