"""What a cluster claims about its Argo Workflows, and a Placement that selects by it. On clusters of their own: what
is installed there comes and goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

from agent.argo import NAMES
from controllers.api.cluster import ManagedCluster
from controllers.api.keys import AGENT_MANAGER, ARGO_CLAIM, ARGO_VERSION_CLAIM, MANAGED_BY_LABEL
from controllers.api.kinds import (
    ARGO_GROUP,
    CLUSTER_CLAIM,
    CLUSTER_GROUP,
    CRD,
    DEPLOYMENT,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    PLACEMENT,
    WORK_GROUP,
    WORKFLOW,
)
from controllers.kube.errors import NotFound
from controllers.kube.patch import merge_patch
from hack.fleet.layout import EXAMPLES, REPOSITORY
from hack.fleet.provider import Fleet
from placement.evaluator.wiring import add_to
from tests.clusters import running_fleet
from tests.eventually import eventually
from tests.integration.agent.accounts import kubeconfig_of
from tests.integration.agent.conftest import Pair, paired, running, started
from tests.integration.agent.works import CLUSTER, Json, deployment, manifest, not_there
from tests.integration.bodies import cluster_set, placement, set_binding
from tests.integration.placement.deciding import decides
from tests.integration.running import running as controllers_running

ARGO = "argo"
READ = ["get", "list", "watch"]
# What an agent cannot do without.
LEAST: list[Json] = [
    {"apiGroups": [""], "resources": ["nodes"], "verbs": READ},
    {"apiGroups": [WORK_GROUP], "resources": ["*"], "verbs": ["*"]},
]


@pytest.fixture(scope="module")
def own_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("argo"), [CLUSTER], argo=False) as started:
        yield started


@pytest.fixture(scope="module")
async def own(own_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    credentials = tmp_path_factory.mktemp("agent") / "hub.kubeconfig"
    async with paired(own_fleet, credentials, lease_seconds=5) as clusters:
        for client in (clusters.hub, clusters.managed):
            if await client.find(NAMESPACE, ARGO) is None:
                await client.create(NAMESPACE, manifest(NAMESPACE, ARGO))
        yield clusters


@pytest.fixture
async def bare(own: Pair) -> AsyncIterator[Pair]:
    """Nothing of Argo on the managed cluster, and no claim."""
    await clear(own)
    yield own
    await clear(own)


async def clear(pair: Pair) -> None:
    for kind in (DEPLOYMENT, CLUSTER_CLAIM):
        found, _ = await pair.managed.list(kind)
        for item in found:
            await pair.managed.delete(kind, item.metadata.name, namespace=item.metadata.namespace)
    await uninstall(pair)


async def install(pair: Pair) -> None:
    """The kind Workflow."""
    file = REPOSITORY / "crds" / "argoproj.io_workflows.yaml"
    await pair.managed.create(CRD, yaml.safe_load(file.read_text()))


async def uninstall(pair: Pair) -> None:
    try:
        await pair.managed.delete(CRD, str(WORKFLOW))
    except NotFound:
        return
    await not_there(pair, CRD, str(WORKFLOW))


async def deploy(pair: Pair, version: str, name: str = "workflow-controller", **labels: str) -> None:
    """Argo's controller, as far as an agent looks at it; `labels` of app.kubernetes.io."""
    body = deployment(name, ARGO)
    body["metadata"]["labels"] = {f"app.kubernetes.io/{key}": value for key, value in labels.items()}
    container = {"name": "controller", "image": f"quay.io/argoproj/workflow-controller:{version}"}
    body["spec"]["template"]["spec"]["containers"] = [container]
    await pair.managed.create(DEPLOYMENT, body, namespace=ARGO)


async def upgrade(pair: Pair, version: str) -> None:
    container = {"name": "controller", "image": f"quay.io/argoproj/workflow-controller:{version}"}
    patch = merge_patch({"spec": {"template": {"spec": {"containers": [container]}}}})
    await pair.managed.patch(DEPLOYMENT, "workflow-controller", patch, namespace=ARGO)


async def claimed(pair: Pair) -> dict[str, str]:
    """On the managed cluster."""
    found, _ = await pair.managed.list(CLUSTER_CLAIM)
    return {item.metadata.name: item.to_dict()["spec"]["value"] for item in found}


async def told(pair: Pair) -> dict[str, str]:
    """On the hub."""
    return (await pair.hub.get(MANAGED_CLUSTER, CLUSTER)).decode(ManagedCluster).claims()


async def claims(pair: Pair, *values: str) -> None:
    """Waits until the cluster claims so about Argo, and the hub knows: whether it is there, and its version."""

    async def so() -> bool:
        expected = dict(zip(NAMES, values, strict=False))
        assert (await claimed(pair), await told(pair)) == (expected, expected)
        return True

    await eventually(so, within=20, what=f"claims {values}")


async def test_argo_is_claimed_as_it_comes_changes_and_goes(bare: Pair) -> None:
    async with running(bare):
        await deploy(bare, "v4.0.2")  # alone it runs no Workflow
        await install(bare)
        await claims(bare, "true", "v4.0.2")
        await upgrade(bare, "v4.1.0")
        await claims(bare, "true", "v4.1.0")
        await deploy(bare, "v3.7.9", "team-argo-controller", component="workflow-controller")
        await claims(bare, "true", "v3.7.9")
        await bare.managed.delete(DEPLOYMENT, "team-argo-controller", namespace=ARGO)
        await claims(bare, "true", "v4.1.0")
        await upgrade(bare, "latest")
        await claims(bare, "true")
        await upgrade(bare, "v4.0.2")
        await claims(bare, "true", "v4.0.2")
        await bare.managed.delete(DEPLOYMENT, "workflow-controller", namespace=ARGO)
        await claims(bare, "true")
        await uninstall(bare)
        await claims(bare)


async def test_claims_that_somebody_took_or_changed_are_put_right(bare: Pair) -> None:
    await install(bare)
    await deploy(bare, "v4.0.2")
    async with running(bare):
        await claims(bare, "true", "v4.0.2")
        await bare.managed.delete(CLUSTER_CLAIM, ARGO_CLAIM)
        await claims(bare, "true", "v4.0.2")
        wrong = merge_patch({"spec": {"value": "v9.9.9"}})
        await bare.managed.patch(CLUSTER_CLAIM, ARGO_VERSION_CLAIM, wrong)
        await claims(bare, "true", "v4.0.2")
    await bare.managed.delete(DEPLOYMENT, "workflow-controller", namespace=ARGO)
    async with running(bare):  # what happened meanwhile
        await claims(bare, "true")


async def test_a_claim_of_somebody_else_stays(bare: Pair) -> None:
    await install(bare)
    await deploy(bare, "v4.0.2")
    theirs = manifest(CLUSTER_CLAIM, ARGO_VERSION_CLAIM, spec={"value": "ours, of the house"})
    await bare.managed.create(CLUSTER_CLAIM, theirs)
    async with running(bare):
        await claims(bare, "true", "ours, of the house")
        given = merge_patch({"metadata": {"labels": {MANAGED_BY_LABEL: AGENT_MANAGER}}})
        await bare.managed.patch(CLUSTER_CLAIM, ARGO_VERSION_CLAIM, given)
        await claims(bare, "true", "v4.0.2")
        taken = merge_patch({"metadata": {"labels": None}})
        await bare.managed.patch(CLUSTER_CLAIM, ARGO_VERSION_CLAIM, taken)
        await uninstall(bare)
        await eventually(lambda: gone(bare, ARGO_CLAIM), what="the agent's own claim is gone")
        assert await claimed(bare) == {ARGO_VERSION_CLAIM: "v4.0.2"}


async def gone(pair: Pair, name: str) -> bool:
    return name not in await claimed(pair)


async def test_without_the_right_to_look_only_what_is_known_is_claimed(bare: Pair, tmp_path: Path) -> None:
    await install(bare)
    await deploy(bare, "v4.0.2")
    everything = {"apiGroups": [CLUSTER_GROUP, ARGO_GROUP], "resources": ["*"], "verbs": ["*"]}
    account = await kubeconfig_of(bare, "blind", [*LEAST, everything], tmp_path)
    async with started(bare, managed=account):
        await claims(bare, "true")


async def test_an_agent_that_may_claim_nothing_does_all_else(bare: Pair, tmp_path: Path) -> None:
    await install(bare)
    account = await kubeconfig_of(bare, "silent", LEAST, tmp_path)
    forgotten = merge_patch({"status": {"version": {"kubernetes": "v0"}}})
    await bare.hub.patch(MANAGED_CLUSTER, CLUSTER, forgotten, subresource="status")
    async with started(bare, managed=account):
        await eventually(lambda: reports(bare), what="the cluster's status")
        assert await claimed(bare) == {}


async def test_an_agent_needs_no_claims(bare: Pair) -> None:
    definition = await bare.managed.get(CRD, str(CLUSTER_CLAIM))
    body = {"apiVersion": CRD.api_version, "kind": CRD.kind, "spec": definition.to_dict()["spec"]}
    await bare.managed.delete(CRD, str(CLUSTER_CLAIM))
    await not_there(bare, CRD, str(CLUSTER_CLAIM))
    forgotten = merge_patch({"status": {"version": {"kubernetes": "v0"}}})
    await bare.hub.patch(MANAGED_CLUSTER, CLUSTER, forgotten, subresource="status")
    try:
        async with running(bare):
            await eventually(lambda: reports(bare), what="the cluster's status")
    finally:
        await bare.managed.create(CRD, {**body, "metadata": {"name": str(CLUSTER_CLAIM)}})
        await eventually(lambda: serves_claims(bare), what="ClusterClaims are served again")


async def reports(pair: Pair) -> bool:
    status = (await pair.hub.get(MANAGED_CLUSTER, CLUSTER)).decode(ManagedCluster).status
    return status.version.kubernetes.startswith("v1")


async def serves_claims(pair: Pair) -> bool:
    try:
        return await claimed(pair) == {}
    except NotFound:
        return False


async def test_placements_select_by_the_version(bare: Pair) -> None:
    await install(bare)
    await deploy(bare, "v3.6.10")
    await bare.hub.create(MANAGED_CLUSTER_SET, cluster_set("north", region="north"))
    await bare.hub.create(MANAGED_CLUSTER_SET_BINDING, set_binding("north"), namespace=ARGO)
    example = yaml.safe_load((EXAMPLES / "placement-argo-3.7.yaml").read_text())
    newer = {"key": ARGO_VERSION_CLAIM, "operator": "In", "values": ["v4.0.1", "v4.0.2"]}
    selector = {"requiredClusterSelector": {"claimSelector": {"matchExpressions": [newer]}}}
    async with running(bare), controllers_running(bare.hub, add_to):
        await bare.hub.create(PLACEMENT, example, namespace=ARGO)
        await bare.hub.create(PLACEMENT, placement("by-claim", predicates=[selector]), namespace=ARGO)
        await bare.hub.create(PLACEMENT, placement("any"), namespace=ARGO)
        await claims(bare, "true", "v3.6.10")
        await decides(bare.hub, ARGO, [CLUSTER], "any")
        await decides(bare.hub, ARGO, [], "argo-3.7")
        await upgrade(bare, "v3.7.0")
        await decides(bare.hub, ARGO, [CLUSTER], "argo-3.7")
        await decides(bare.hub, ARGO, [], "by-claim")
        await upgrade(bare, "v4.0.2")
        await decides(bare.hub, ARGO, [CLUSTER], "by-claim")
        await bare.managed.delete(DEPLOYMENT, "workflow-controller", namespace=ARGO)
        await decides(bare.hub, ARGO, [], "by-claim")
        await decides(bare.hub, ARGO, [], "argo-3.7")
