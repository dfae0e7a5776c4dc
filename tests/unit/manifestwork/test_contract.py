"""The whole ManifestWork of a Workflow, as it goes over the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from agent.decide.conditions import from_rules
from controllers.api.meta import ObjectMeta
from controllers.api.work import ManifestWork
from controllers.kube.object import Object
from manifestwork.build import UndeliverableError, carry, is_carried, manifest_work, work_name
from tests.unit.agent.judging import judgements

UID = "0123456789-abcd"
OCM = "workflows.argoproj.io/ocm-"
ORIGIN = {
    f"{OCM}hub-workflow-namespace": "team",
    f"{OCM}hub-workflow-name": "hello",
    f"{OCM}hub-workflow-uid": UID,
}
# What the hub says to itself: none of it goes to a cluster.
HUB_ONLY = {
    f"{OCM}placement": "p",
    f"{OCM}waiting": "Reason: words",
    f"{OCM}status": "complete",
    f"{OCM}strategy": "pack",
    f"{OCM}need": "cpu=1",
    f"{OCM}failover": "reschedule",
    f"{OCM}failover-after": "5m",
    f"{OCM}choice": "words",
    f"{OCM}placed-uid": UID,
    f"{OCM}observed": "3@c2",
    "kubectl.kubernetes.io/last-applied-configuration": "{}",
}


def workflow(annotations: dict[str, str]) -> tuple[dict[str, Any], ObjectMeta]:
    body = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": "hello",
            "namespace": "team",
            "uid": UID,
            "labels": {
                "workflows.argoproj.io/enable-ocm-multicluster": "true",
                "workflows.argoproj.io/phase": "Running",
                "workflows.argoproj.io/completed": "false",
                "mine": "kept",
            },
            "annotations": {**HUB_ONLY, "mine": "kept", **annotations},
        },
        "spec": {"entrypoint": "main"},
        "status": {"phase": "Running"},
    }
    return body, Object(msgspec.json.encode(body)).metadata


def expected(
    mark: dict[str, str], namespace: str = "team", more: dict[str, str] | None = None
) -> dict[str, Any]:
    return {
        "apiVersion": "work.open-cluster-management.io/v1",
        "kind": "ManifestWork",
        "metadata": {
            "name": "hello-01234",
            "namespace": "c2",
            "labels": {"workflows.argoproj.io/enable-ocm-multicluster": "true"},
            "annotations": {**ORIGIN, **mark},
        },
        "spec": {
            "workload": {
                "manifests": [
                    {
                        "apiVersion": "argoproj.io/v1alpha1",
                        "kind": "Workflow",
                        "metadata": {
                            "name": "hello",
                            "namespace": namespace,
                            "labels": {
                                "workflows.argoproj.io/enable-ocm-multicluster": "false",
                                "mine": "kept",
                            },
                            "annotations": {"mine": "kept", **(more or {}), **ORIGIN, **mark},
                        },
                        "spec": {"entrypoint": "main"},
                    }
                ]
            },
            "manifestConfigs": [
                {
                    "resourceIdentifier": {
                        "group": "argoproj.io",
                        "resource": "workflows",
                        "namespace": namespace,
                        "name": "hello",
                    },
                    "feedbackRules": [
                        {
                            "type": "JSONPaths",
                            "jsonPaths": [
                                {"name": "phase", "path": ".status.phase"},
                                {"name": "message", "path": ".status.message"},
                                {"name": "progress", "path": ".status.progress"},
                                {"name": "startedAt", "path": ".status.startedAt"},
                                {"name": "finishedAt", "path": ".status.finishedAt"},
                            ],
                        }
                    ],
                    "feedbackScrapeType": "Watch",
                    "updateStrategy": {
                        "type": "ServerSideApply",
                        "serverSideApply": {
                            "force": False,
                            "fieldManager": "work-agent",
                            "ignoreFields": [{"condition": "OnSpokePresent", "jsonPaths": [".spec"]}],
                        },
                    },
                    "conditionRules": [
                        {
                            "type": "CEL",
                            "condition": "Complete",
                            "celExpressions": [
                                (
                                    "has(object.status) && has(object.status.phase) "
                                    "&& object.status.phase in ['Succeeded', 'Failed', 'Error']"
                                )
                            ],
                            "message": "The Workflow has finished",
                        }
                    ],
                }
            ],
        },
    }


def test_the_first_attempt() -> None:
    assert manifest_work(*workflow({}), "c2") == expected({})


def test_the_second_attempt_bears_its_number_and_only_the_work_the_list() -> None:
    work = manifest_work(*workflow({f"{OCM}attempts": "c1,c2"}), "c2")
    wanted = expected({f"{OCM}attempt": "2"})
    wanted["metadata"]["annotations"][f"{OCM}attempts"] = "c1,c2"
    assert work == wanted


def test_in_another_namespace_of_the_cluster() -> None:
    elsewhere = {f"{OCM}managed-cluster-namespace": "argo"}
    assert manifest_work(*workflow(elsewhere), "c2") == expected({}, "argo", elsewhere)


def test_claimed_it_has_the_finalizer_that_the_agent_would_add() -> None:
    work = manifest_work(*workflow({}), "c2", claimed=True)
    assert work["metadata"].pop("finalizers") == ["cluster.open-cluster-management.io/manifest-work-cleanup"]
    assert work == expected({})


def test_a_workflow_without_a_spec_has_an_empty_one() -> None:
    body, meta = workflow({})
    work = manifest_work({**body, "spec": None}, meta, "c2")
    assert work["spec"]["workload"]["manifests"][0]["spec"] == {}


@pytest.mark.parametrize(
    ("live", "complete"),
    [
        ({}, "False"),
        ({"status": {}}, "False"),
        ({"status": {"phase": ""}}, "False"),
        ({"status": {"phase": "Pending"}}, "False"),
        ({"status": {"phase": "Running"}}, "False"),
        ({"status": {"phase": "Succeeded"}}, "True"),
        ({"status": {"phase": "Failed"}}, "True"),
        ({"status": {"phase": "Error"}}, "True"),
    ],
)
def test_complete_as_an_agent_evaluates_it(live: dict[str, Any], complete: str) -> None:
    work = msgspec.json.decode(msgspec.json.encode(manifest_work(*workflow({}), "c2")), type=ManifestWork)
    (config,) = work.spec.manifest_configs
    now = datetime(2026, 1, 1, tzinfo=UTC)
    (found,) = from_rules(judgements(live, config.condition_rules), generation=1, now=now)
    assert (found.type, found.status, found.reason) == ("Complete", complete, "ConditionRuleEvaluated")


@pytest.mark.parametrize("spec", [{"workload": {"manifests": []}}, {}])
def test_into_a_work_without_manifests_nothing_is_carried(spec: dict[str, Any]) -> None:
    hub = Object(msgspec.json.encode({"metadata": {}, "spec": {"shutdown": "Stop"}}))
    assert is_carried(Object(msgspec.json.encode({"metadata": {}, "spec": spec})), hub)
    assert carry({"workload": {"manifests": []}}, {"shutdown": "Stop"}) is None


def test_a_name_that_is_too_long_is_told_with_what_to_do() -> None:
    with pytest.raises(UndeliverableError) as caught:
        work_name("x" * 64, UID)
    assert str(caught.value) == (
        "the name has 64 characters and Argo allows 63 (it becomes a label of each pod): "
        "create the Workflow under a shorter name"
    )
