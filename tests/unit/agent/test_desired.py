"""What of a manifest an object is to have."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from agent.decide.desired import at_creation, change, desired, instead
from agent.decide.difference import Leaving, patched

Json = dict[str, Any]


def body(kind: str = "ConfigMap", api: str = "v1", *, metadata: Json | None = None, **fields: Any) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x", **(metadata or {})}, **fields}


def live(of: Json, *, ours: Json | None = None, theirs: Json | None = None, **metadata: Any) -> Json:
    """As a server has it, with who owns what."""
    entries = [("work-agent", ours), ("somebody", theirs)]
    noted = [
        {"manager": manager, "operation": "Update", "fieldsV1": fields}
        for manager, fields in entries
        if fields is not None
    ]
    return {**of, "metadata": {**of["metadata"], "managedFields": noted, "uid": "u", **metadata}}


def test_what_a_server_writes_into_metadata_is_not_sent() -> None:
    odd: Json = {
        "uid": "u",
        "resourceVersion": "1",
        "managedFields": [],
        "creationTimestamp": None,
        "ownerReferences": [{}],
        "finalizers": ["a"],
        "labels": {"l": "1", "gone-": ""},
    }
    made = at_creation(body(metadata=odd, data={"a": None, "b": "1"}, status={"x": 1}))
    assert made == body(metadata={"finalizers": ["a"], "labels": {"l": "1"}}, data={"b": "1"})


def test_nothing_of_metadata_but_labels_and_annotations_is_changed() -> None:
    manifest = body(
        metadata={"finalizers": ["a"], "ownerReferences": [{"uid": "1"}], "generation": 5}, data={}
    )
    present = live(body(), ours={"f:metadata": {"f:finalizers": {'v:"b"': {}}}}, finalizers=["b"])
    assert change(manifest, present, Leaving()) is None


def test_the_status_stays() -> None:
    present = live(body(status={"a": 1}), ours={"f:status": {"f:a": {}}})
    assert change(body(status={"a": 2}), present, Leaving()) is None


def test_labels_of_ours_leave_and_those_of_others_stay() -> None:
    ours: Json = {"f:metadata": {"f:labels": {"f:a": {}, "f:b": {}}, "f:annotations": {".": {}, "f:c": {}}}}
    theirs: Json = {"f:metadata": {"f:labels": {"f:t": {}}}}
    present = live(
        body(), ours=ours, theirs=theirs, labels={"a": "1", "b": "1", "t": "1"}, annotations={"c": "1"}
    )
    patch = change(body(metadata={"labels": {"a": "2"}}), present, Leaving())
    assert patch == {"metadata": {"labels": {"a": "2", "b": None}, "annotations": {"c": None}}}
    assert change(body(metadata={"labels": {"a": "1"}}), present) is None


def test_a_label_with_a_dash_takes_one_away() -> None:
    present = live(body(), labels={"a": "1", "b": "1"})
    manifest = body(metadata={"labels": {"a-": "", "c-": ""}})
    assert change(manifest, present) == {"metadata": {"labels": {"a": None}}}
    assert change(manifest, live(body(), labels={"b": "1"})) is None


@pytest.mark.parametrize("labels", [["a"], "a", 1])
def test_labels_that_are_no_map_are_left_for_the_server_to_refuse(labels: Any) -> None:
    manifest = body(metadata={"labels": labels})
    assert change(manifest, live(body())) == {"metadata": {"labels": labels}}
    assert at_creation(manifest)["metadata"]["labels"] == labels


def test_a_secrets_text_is_its_data() -> None:
    text = base64.b64encode(b"open").decode()
    manifest = body("Secret", stringData={"a": "open"}, data={"a": "AA==", "b": "AA=="})
    assert desired(manifest)["data"] == {"a": text, "b": "AA=="}
    assert change(manifest, live(body("Secret", data={"a": text, "b": "AA=="}, type="Opaque"))) is None
    assert desired(body("Secret", "example.com/v1", stringData={"a": "b"}))["stringData"] == {"a": "b"}


def test_rules_that_the_cluster_collects_are_not_ours() -> None:
    rbac = "rbac.authorization.k8s.io/v1"
    manifest = body("ClusterRole", rbac, aggregationRule={"x": []}, rules=[])
    present = live(body("ClusterRole", rbac, aggregationRule={"x": []}, rules=[{"verbs": ["get"]}]))
    assert change(manifest, present) is None


def test_a_pods_tolerations_are_not_shrunk() -> None:
    one, added = {"key": "a"}, {"key": "b"}
    manifest = body("Pod", spec={"tolerations": [one]})
    present = live(body("Pod", spec={"tolerations": [one, added]}), ours={"f:spec": {"f:tolerations": {}}})
    assert change(manifest, present, Leaving()) is None
    other = live(
        body("Deployment", spec={"tolerations": [one, added]}), ours={"f:spec": {"f:tolerations": {}}}
    )
    manifest = body("Deployment", spec={"tolerations": [one]})
    assert change(manifest, other, Leaving()) == {"spec": {"tolerations": [one]}}


@pytest.mark.parametrize(
    ("causes", "strategy"),
    [
        (["spec.strategy.rollingUpdate"], {"type": "Recreate"}),
        (["spec.strategy"], None),
        (["spec.replicas"], None),
        ([""], None),
        (["metadata.labels[a.b]"], None),
        (["spec.nowhere.at.all"], None),
        (["spec.strategy[5].x"], None),
    ],
)
def test_what_excludes_each_other_is_taken_from_the_manifest_as_it_is(
    causes: list[str], strategy: Json | None
) -> None:
    manifest = body("Deployment", spec={"strategy": {"type": "Recreate"}})
    there = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}, "replicas": 4}
    present = live(body("Deployment", spec=there))
    patch = change(manifest, present)
    assert patch == {"spec": {"strategy": {"type": "Recreate"}}}
    other = instead(manifest, present, patch, causes)
    if strategy is None:
        assert other is None
    else:
        assert other is not None
        assert patched(present, other)["spec"] == {"strategy": strategy, "replicas": 4}


def test_so_is_an_item_of_a_list() -> None:
    manifest = body("Deployment", spec={"pod": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}})
    key = 'k:{"name":"v"}'
    ours: Json = {
        "f:spec": {"f:pod": {"f:volumes": {key: {".": {}, "f:name": {}, "f:configMap": {"f:name": {}}}}}}
    }
    there = [{"name": "other", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]
    present = live(body("Deployment", spec={"pod": {"volumes": there}}), ours=ours)
    patch = change(manifest, present)
    assert patch is not None
    other = instead(manifest, present, patch, ["spec.pod.volumes[1].configMap"])
    assert other is not None
    assert patched(present, other)["spec"]["pod"]["volumes"] == [
        {"name": "other", "emptyDir": {}},
        {"name": "v", "configMap": {"name": "c"}},
    ]
