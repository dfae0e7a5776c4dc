"""What a user can get wrong: it is said on the Workflow and in the log, nothing loops, and others go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import (
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    MANIFEST_WORK,
    NAMESPACE,
    PLACEMENT,
    WORKFLOW,
)
from controllers.kube.patch import merge_patch
from tests.e2e import metrics, workflows
from tests.e2e.conftest import Argosy
from tests.e2e.lost import is_tainted
from tests.eventually import eventually
from tests.joining import say_available


def homeless(name: str) -> dict[str, Any]:
    """A cluster that has not joined; not in the set `default`, or the Placements of other tests would select it."""
    body = workflows.of(MANAGED_CLUSTER, name, spec={"hubAcceptsClient": False})
    body["metadata"]["labels"] = {keys.CLUSTER_SET_LABEL: "nobody"}
    return body


@dataclass(frozen=True)
class Mistake:
    """`annotations` are set on a hello-world on cluster1; the user is told `event`, `cause` and `words`."""

    name: str
    annotations: dict[str, str]
    event: str
    cause: str
    words: tuple[str, ...]

    def body(self) -> dict[str, Any]:
        body = workflows.hello(self.name, placement="only-cluster1")
        body["metadata"]["annotations"].update(self.annotations)
        return body


MISTAKES = [
    Mistake(
        "unknown-placement",
        {keys.PLACEMENT_ANNOTATION: "no-such-placement"},
        "NotPlaced",
        "PlacementNotFound",
        ("no-such-placement", "namespace argo", "create it"),
    ),
    Mistake(
        "nothing-selected",
        {keys.PLACEMENT_ANNOTATION: "selects-nothing"},
        "NotPlaced",
        "NoDecision",
        ("selects-nothing", "No ManagedCluster matches", "kubectl -n argo describe placement"),
    ),
    Mistake(
        "unknown-cluster",
        {keys.CLUSTER_ANNOTATION: "no-such-cluster"},
        "NotDispatched",
        "ClusterNotFound",
        ("no ManagedCluster no-such-cluster", "let that cluster join"),
    ),
    Mistake(
        "homeless-cluster",
        {keys.CLUSTER_ANNOTATION: "homeless"},
        "NotDispatched",
        "ClusterNamespaceMissing",
        ("namespace homeless does not exist on the hub", "let the cluster join"),
    ),
    Mistake(
        "unknown-namespace",
        {keys.CLUSTER_NAMESPACE_ANNOTATION: "no-such-namespace"},
        "NotApplied",
        "ApplyFailed",
        ("cluster1", 'namespaces "no-such-namespace" not found', "create it on the cluster"),
    ),
    Mistake("n" * 64, {}, "NotDispatched", "NameTooLong", ("64 characters", "63", "shorter name")),
    Mistake(
        "name-taken",
        {},
        "NotApplied",
        "ApplyFailed",
        ("another Workflow is called argo/name-taken on the cluster", "delete it or rename this one"),
    ),
]


@pytest.fixture(scope="module")
async def allowed(argosy: Argosy) -> AsyncIterator[None]:
    """The administrator lets namespace argo use the set of the homeless cluster, and other namespaces of clusters."""
    await argosy.hub.create(
        MANAGED_CLUSTER_SET, workflows.of(MANAGED_CLUSTER_SET, "nobody", spec={"clusterSelector": _BY_LABEL})
    )
    binding = workflows.of(MANAGED_CLUSTER_SET_BINDING, "nobody", spec={"clusterSet": "nobody"})
    await argosy.hub.create(MANAGED_CLUSTER_SET_BINDING, binding, namespace="argo")
    await _allow(argosy, "no-such-namespace,later")
    yield
    await _allow(argosy, None)
    await argosy.hub.delete(MANAGED_CLUSTER_SET_BINDING, "nobody", namespace="argo")
    await argosy.hub.delete(MANAGED_CLUSTER_SET, "nobody")


_BY_LABEL = {"selectorType": "ExclusiveClusterSetLabel"}


async def _allow(argosy: Argosy, namespaces: str | None) -> None:
    patch = merge_patch({"metadata": {"annotations": {keys.ALLOWED_NAMESPACES_ANNOTATION: namespaces}}})
    await argosy.hub.patch(NAMESPACE, "argo", patch)


@pytest.fixture(scope="module")
async def mistakes(argosy: Argosy, allowed: None) -> AsyncIterator[None]:
    """All of them at the same time."""
    selector = {"labelSelector": {"matchLabels": {"nobody": "has-this"}}}
    spec = {"predicates": [{"requiredClusterSelector": selector}]}
    nothing = workflows.of(PLACEMENT, "selects-nothing", spec=spec)
    await argosy.hub.create(PLACEMENT, nothing, namespace="argo")
    await argosy.hub.create(MANAGED_CLUSTER, homeless("homeless"))
    own = workflows.hello("name-taken", seconds=600)
    own["metadata"]["labels"] = {}
    await argosy.managed["cluster1"].create(WORKFLOW, own, namespace="argo")
    for mistake in MISTAKES:
        await workflows.create(argosy, mistake.body())
    yield
    await workflows.delete(argosy, *(mistake.name for mistake in MISTAKES))
    await argosy.managed["cluster1"].delete(WORKFLOW, "name-taken", namespace="argo")
    await argosy.hub.delete(PLACEMENT, "selects-nothing", namespace="argo")
    await argosy.hub.delete(MANAGED_CLUSTER, "homeless")


def logged(argosy: Argosy, name: str) -> list[dict[str, Any]]:
    """The log lines of our controllers about a Workflow."""
    lines = (json.loads(line) for line in argosy.controllers.log.read_text().splitlines())
    return [line for line in lines if line.get("name") == name]


@pytest.mark.usefixtures("mistakes")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.cause)
async def test_the_workflow_and_the_log_say_what_is_wrong_and_what_to_do(
    argosy: Argosy, mistake: Mistake
) -> None:
    event = await workflows.event(argosy.hub, mistake.name, mistake.event)
    assert event["type"] == "Warning"
    assert event["message"].startswith(f"{mistake.cause}: ")
    for word in mistake.words:
        assert word in event["message"]
    hub = await workflows.shown(argosy.hub, mistake.name)
    assert hub["metadata"]["annotations"][keys.WAITING_ANNOTATION] == event["message"]
    assert workflows.phase_of(hub) == ""
    lines = [line for line in logged(argosy, mistake.name) if line["event"] == "workflow_waiting"]
    assert [line["cause"] for line in lines] == [mistake.cause], "said once"
    assert lines[0]["level"] == "warning"


@pytest.mark.usefixtures("mistakes")
async def test_nothing_runs_hot_because_of_them(argosy: Argosy) -> None:
    for mistake in MISTAKES:
        await workflows.event(argosy.hub, mistake.name, mistake.event)
    before = [await metrics.scrape(process) for process in argosy.processes]
    sizes = [process.log.stat().st_size for process in argosy.processes]
    await asyncio.sleep(3)
    for process, old, size in zip(argosy.processes, before, sizes, strict=True):
        new = await metrics.scrape(process)
        reconciles = "controller_runtime_reconcile_total"
        assert new[reconciles] - old[reconciles] <= 10, process.name
        assert new["rest_client_requests_total"] - old["rest_client_requests_total"] <= 30, process.name
        assert process.log.stat().st_size - size < 2_000, process.name


@pytest.mark.usefixtures("mistakes")
async def test_good_workflows_go_on_beside_them(argosy: Argosy) -> None:
    for name in ("good-1", "good-2"):
        await workflows.create(argosy, workflows.hello(name, placement="only-cluster1"))
    for name in ("good-1", "good-2"):
        await workflows.in_phase(argosy, name, "Succeeded")
    await workflows.delete(argosy, "good-1", "good-2")


@pytest.mark.usefixtures("mistakes")
async def test_a_users_own_workflow_of_the_same_name_is_not_touched(argosy: Argosy) -> None:
    await workflows.event(argosy.hub, "name-taken", "NotApplied")
    own = await workflows.shown(argosy.managed["cluster1"], "name-taken")
    assert keys.HUB_UID_ANNOTATION not in (own["metadata"].get("annotations") or {})
    assert "ownerReferences" not in own["metadata"]
    assert "finalizers" not in own["metadata"]


# -- put right -------------------------------------------------------------------------------------------
async def waits_no_longer(argosy: Argosy, name: str) -> None:
    async def probe() -> bool:
        hub = await workflows.shown(argosy.hub, name)
        return keys.WAITING_ANNOTATION not in hub["metadata"]["annotations"]

    await eventually(probe, what=f"{name} without {keys.WAITING_ANNOTATION}")


async def test_a_placement_that_is_created_later_is_used(argosy: Argosy) -> None:
    await workflows.create(argosy, workflows.hello("patient", placement="later"))
    await workflows.event(argosy.hub, "patient", "NotPlaced")
    placement = workflows.of(PLACEMENT, "later", spec={"numberOfClusters": 1})
    await argosy.hub.create(PLACEMENT, placement, namespace="argo")
    await workflows.in_phase(argosy, "patient", "Succeeded")
    await waits_no_longer(argosy, "patient")
    await workflows.delete(argosy, "patient")
    await argosy.hub.delete(PLACEMENT, "later", namespace="argo")


@pytest.mark.usefixtures("allowed")
async def test_a_namespace_that_is_created_later_on_the_cluster_is_used(argosy: Argosy) -> None:
    body = workflows.hello("patient", placement="only-cluster1")
    body["metadata"]["annotations"][keys.CLUSTER_NAMESPACE_ANNOTATION] = "later"
    await workflows.create(argosy, body)
    await workflows.event(argosy.hub, "patient", "NotApplied")
    await argosy.managed["cluster1"].create(NAMESPACE, workflows.of(NAMESPACE, "later"))
    await workflows.in_phase(argosy, "patient", "Succeeded")
    await waits_no_longer(argosy, "patient")
    copy = await workflows.shown(argosy.managed["cluster1"], "patient", "later")
    assert workflows.phase_of(copy) == "Succeeded"
    await workflows.delete(argosy, "patient")
    await argosy.managed["cluster1"].delete(NAMESPACE, "later")


@pytest.mark.usefixtures("allowed")
async def test_a_cluster_that_is_accepted_later_receives_its_work(argosy: Argosy) -> None:
    await argosy.hub.create(MANAGED_CLUSTER, homeless("late"))
    body = workflows.hello("patient")
    body["metadata"]["annotations"][keys.CLUSTER_ANNOTATION] = "late"
    await workflows.create(argosy, body)

    async def waits() -> bool:  # that it is not there, or that it is not heard of: whoever says so first
        found = await argosy.hub.get(WORKFLOW, "patient", namespace="argo")
        return bool(found.metadata.annotations.get(keys.WAITING_ANNOTATION))

    async def is_sent() -> bool:
        return bool((await argosy.hub.list(MANIFEST_WORK, namespace="late"))[0])

    await eventually(waits, what="the Workflow waits")
    await argosy.hub.patch(MANAGED_CLUSTER, "late", merge_patch({"spec": {"hubAcceptsClient": True}}))
    await eventually(is_sent, what="its ManifestWork")
    await says(argosy, "late", "True")
    await waits_no_longer(argosy, "patient")
    # Nobody will ever confirm the removal: the cluster leaves first, and its agent is not there to clean up.
    await says(argosy, "late", "Unknown")
    await argosy.hub.delete(MANAGED_CLUSTER, "late")
    await workflows.delete(argosy, "patient")


async def says(argosy: Argosy, cluster: str, available: str) -> None:
    """What its agent would say of it, and what the hub makes of that."""
    await say_available(argosy.hub, cluster, available)
    await is_tainted(argosy, cluster, available != "True")


# -- what Argo itself refuses ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "spec", "words"),
    [
        ("bad-entrypoint", {"entrypoint": "nowhere"}, "nowhere"),
        ("bad-template", {"templates": [{"name": "hello"}]}, "template"),
        ("bad-reference", {"workflowTemplateRef": {"name": "missing"}}, "missing"),
    ],
)
async def test_a_workflow_that_argo_rejects_ends_as_error_with_argos_words(
    argosy: Argosy, name: str, spec: dict[str, Any], words: str
) -> None:
    body = workflows.hello(name)
    body["spec"].update(spec)
    await workflows.create(argosy, body)
    hub = await workflows.in_phase(argosy, name, "Error", "Failed")
    copy = await workflows.shown(argosy.managed[workflows.cluster_of(hub)], name)
    assert words in copy["status"]["message"]
    await workflows.same_as_copy(argosy, name)
    event = await workflows.event(argosy.hub, name, "StatusSynced")
    assert copy["status"]["message"] in event["message"]
    await workflows.delete(argosy, name)
