"""The wire contract of the placement flow, field by field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controllers.api.meta import ObjectMeta
from controllers.api.work import ManifestWork
from controllers.kube.object import Object
from manifestwork.build import (
    UndeliverableError,
    carry,
    is_carried,
    manifest_work,
    target_namespace,
    work_name,
)

UID = "0123456789-abcd"


def workflow(**metadata: Any) -> tuple[dict[str, Any], ObjectMeta]:
    body = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": "hello",
            "namespace": "team",
            "uid": UID,
            "resourceVersion": "5",
            "labels": {
                "workflows.argoproj.io/enable-ocm-multicluster": "true",
                "workflows.argoproj.io/phase": "Running",
                "mine": "kept",
            },
            "annotations": {
                "workflows.argoproj.io/ocm-placement": "p",
                "workflows.argoproj.io/ocm-managed-cluster": "cluster1",
                "workflows.argoproj.io/ocm-waiting": "Reason: words",
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "mine": "kept",
            },
            "finalizers": ["workflows.argoproj.io/cleanup-ocm-manifestwork"],
            **metadata,
        },
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "cluster": "c"}]},
        "status": {"phase": "Running"},
    }
    return body, Object(msgspec.json.encode(body)).metadata


def test_the_work_is_named_and_placed_by_contract() -> None:
    work = manifest_work(*workflow(), "cluster1")
    assert work["metadata"]["namespace"] == "cluster1"
    assert work["metadata"]["name"] == "hello-01234"
    assert work["metadata"]["annotations"] == {
        "workflows.argoproj.io/ocm-hub-workflow-namespace": "team",
        "workflows.argoproj.io/ocm-hub-workflow-name": "hello",
        "workflows.argoproj.io/ocm-hub-workflow-uid": UID,
    }


def test_the_copy_has_the_spec_no_status_and_says_where_it_came_from() -> None:
    body, meta = workflow()
    copy = manifest_work(body, meta, "cluster1")["spec"]["workload"]["manifests"][0]
    assert copy["spec"] == body["spec"]
    assert "status" not in copy
    assert copy["metadata"] == {
        "name": "hello",
        "namespace": "team",
        "labels": {"mine": "kept", "workflows.argoproj.io/enable-ocm-multicluster": "false"},
        "annotations": {
            "mine": "kept",
            "workflows.argoproj.io/ocm-managed-cluster": "cluster1",
            "workflows.argoproj.io/ocm-hub-workflow-namespace": "team",
            "workflows.argoproj.io/ocm-hub-workflow-name": "hello",
            "workflows.argoproj.io/ocm-hub-workflow-uid": UID,
        },
    }


def test_the_config_is_about_the_copy_and_the_work_fits_ocms_types() -> None:
    work = manifest_work(*workflow(), "cluster1")
    typed = msgspec.json.decode(msgspec.json.encode(work), type=ManifestWork)
    (config,) = typed.spec.manifest_configs
    assert (config.resource_identifier.namespace, config.resource_identifier.name) == ("team", "hello")
    assert [path.name for path in config.feedback_rules[0].json_paths] == [
        "phase",
        "message",
        "progress",
        "startedAt",
        "finishedAt",
    ]
    assert config.update_strategy is not None
    assert config.update_strategy.type == "ServerSideApply"
    assert config.condition_rules[0].condition == "Complete"
    # Polled feedback would miss the end of a Workflow whose TTL is shorter than the interval.
    assert config.feedback_scrape_type == "Watch"


@pytest.mark.parametrize(
    ("annotation", "namespace", "expected"),
    [("other", "team", "other"), (None, "team", "team"), (None, "", "argo"), ("", "team", "team")],
)
def test_the_namespace_on_the_cluster(annotation: str | None, namespace: str, expected: str) -> None:
    annotations = {}
    if annotation is not None:
        annotations["workflows.argoproj.io/ocm-managed-cluster-namespace"] = annotation
    assert target_namespace(ObjectMeta(namespace=namespace, annotations=annotations)) == expected


def test_a_name_that_argo_cannot_put_into_a_label_is_refused_with_words() -> None:
    assert work_name("x" * 63, UID) == "x" * 63 + "-01234"
    with pytest.raises(UndeliverableError, match="64 characters and Argo allows 63") as caught:
        work_name("x" * 64, UID)
    assert caught.value.reason == "NameTooLong"


@pytest.mark.parametrize(
    ("delivered", "hub", "expected"),
    [
        ({"entrypoint": "m"}, {"entrypoint": "m"}, None),
        (
            {"entrypoint": "m"},
            {"entrypoint": "m", "shutdown": "Stop"},
            {"entrypoint": "m", "shutdown": "Stop"},
        ),
        ({"entrypoint": "m", "suspend": True}, {"entrypoint": "m"}, {"entrypoint": "m"}),
        ({"entrypoint": "m"}, {"entrypoint": "changed", "templates": []}, None),
        ({"entrypoint": "m", "priority": 1}, {"priority": 2}, {"entrypoint": "m", "priority": 2}),
    ],
)
def test_only_the_mutable_fields_are_carried(delivered: Any, hub: Any, expected: Any) -> None:
    work = {
        "workload": {"manifests": [{"kind": "Workflow", "spec": delivered}]},
        "manifestConfigs": [{"x": 1}],
    }
    changed = carry(work, hub)
    raw_work = Object(msgspec.json.encode({"metadata": {}, "spec": work}))
    raw_hub = Object(msgspec.json.encode({"metadata": {}, "spec": hub}))
    assert is_carried(raw_work, raw_hub) == (expected is None)
    if expected is None:
        assert changed is None
        return
    assert changed is not None
    assert changed["workload"]["manifests"] == [{"kind": "Workflow", "spec": expected}]
    (config,) = changed["manifestConfigs"]
    assert config["x"] == 1
    assert config["updateStrategy"]["serverSideApply"] == {"force": True, "fieldManager": "work-agent"}
