"""OCM's parts and ours in each other's place, while Workflows are under way. Each test restores what it exchanged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from controllers.api.keys import PLACEMENT_LABEL
from controllers.api.kinds import PLACEMENT, PLACEMENT_DECISION
from controllers.kube.client import Client
from tests.e2e import workflows
from tests.e2e.ocm import works
from tests.e2e.ocm.conftest import IN_DEFAULT_SET, OCMS, OURS, OcmHub
from tests.e2e.runs import watching
from tests.joining import let_in
from tests.processes import Process, agent, controllers


async def decisions(hub: Client, placement: str) -> list[tuple[str, list[str]]]:
    """(uid of the page, its clusters) for a Placement in namespace argo."""
    pages, _ = await hub.list(
        PLACEMENT_DECISION, namespace="argo", label_selector=f"{PLACEMENT_LABEL}={placement}"
    )
    return [
        (page.metadata.uid, [item["clusterName"] for item in page.to_dict()["status"]["decisions"]])
        for page in pages
    ]


async def test_our_evaluator_takes_over_from_ocms_placement(ocm: OcmHub) -> None:
    argosy = ocm.argosy
    assert '"evaluator_off"' in argosy.controllers.log.read_text(), "an OCM hub was not noticed"
    before = await decisions(argosy.hub, "any-cluster")
    assert [clusters for _, clusters in before] == [[OCMS, OURS]]
    logs = argosy.controllers.log.parent
    evaluating = controllers(argosy.fleet.hub.kubeconfig, logs, "--evaluator", "on")
    async with ocm.without("ocm-placement"), instead_of(argosy.controllers, evaluating):
        body = (await argosy.hub.get(PLACEMENT, f"only-{OCMS}", namespace="argo")).to_dict()
        fresh = {**body, "metadata": {"name": "evaluated", "namespace": "argo"}}
        await argosy.hub.create(PLACEMENT, fresh, namespace="argo")
        await workflows.create(argosy, workflows.hello("evaluated", placement="evaluated"))
        hub = await workflows.in_phase(argosy, "evaluated")
        assert (workflows.phase_of(hub), workflows.cluster_of(hub)) == ("Succeeded", OCMS)
        assert [clusters for _, clusters in await decisions(argosy.hub, "evaluated")] == [[OCMS]]
        assert await decisions(argosy.hub, "any-cluster") == before
        await works.deleted_everywhere(argosy, "evaluated")


@asynccontextmanager
async def instead_of(usual: Process, other: Process) -> AsyncIterator[None]:
    """`other` runs in the place of `usual` while the block does."""
    usual.stop()
    await other.start()
    try:
        yield
    finally:
        other.kill()
        await usual.start()


async def test_our_agent_goes_on_where_ocms_agent_stopped(ocm: OcmHub, tmp_path: Path) -> None:
    argosy, name = ocm.argosy, "handed-over"
    async with watching(argosy.managed) as runs:
        await workflows.create(argosy, workflows.hello(name, placement=f"only-{OCMS}", seconds=5))
        await workflows.in_phase(argosy, name, "Running")
        async with ocm.without(f"{OCMS}-ocm-work"):
            joined = tmp_path / "agent.kubeconfig"
            await let_in(argosy.hub, argosy.fleet.hub.kubeconfig, OCMS, joined, labels=IN_DEFAULT_SET)
            ours = agent(OCMS, joined, argosy.fleet.managed[OCMS].kubeconfig, tmp_path)
            await ours.start()
            try:
                hub = await workflows.same_as_copy(argosy, name)
                assert hub["status"]["nodes"][name]["phase"] == "Succeeded"
                assert len(runs.of(name)) == 1
                await works.deleted_everywhere(argosy, name)
            finally:
                ours.kill()
