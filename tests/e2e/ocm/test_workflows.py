"""Workflows on a hub with genuine OCM: delivered by OCM's agent (cluster1) and by ours (cluster2), side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from agent.decide.difference import fits
from controllers.api import keys
from controllers.api.kinds import CLUSTER_ROLE, MANAGED_CLUSTER, MANIFEST_WORK, NAMESPACE, WORKFLOW
from controllers.api.meta import ObjectMeta
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from manifestwork.build import carry, manifest_work
from tests.e2e import workflows
from tests.e2e.conftest import EXAMPLES, Argosy
from tests.e2e.ocm import works
from tests.e2e.ocm.conftest import OCMS, OURS, WORK_ROLE, OcmHub, bring_role, may_apply_workflows
from tests.e2e.runs import watching
from tests.eventually import eventually

Json = dict[str, Any]

REPORTED = ("phase", "message", "progress", "startedAt", "finishedAt")
"""The fields of a status that OCM's agent reports."""


def failing(name: str, *, placement: str) -> Json:
    body: Json = yaml.safe_load((EXAMPLES / "steps-with-failing-branch.yaml").read_text())
    body["metadata"] |= {"name": name, "annotations": {keys.PLACEMENT_ANNOTATION: placement}}
    return body


KINDS: dict[str, tuple[Callable[..., Json], str]] = {
    "hello": (workflows.hello, "Succeeded"),
    "dag": (workflows.diamond, "Succeeded"),
    "failing": (failing, "Failed"),
}


async def test_ocms_schema_keeps_every_field_that_we_send(ocm: OcmHub) -> None:
    hub = ocm.argosy.hub
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "nobody-applies"}}
    await hub.create(NAMESPACE, namespace)
    body = workflows.diamond("kept", ttlStrategy={"secondsAfterCompletion": 5})
    sent = manifest_work(body, ObjectMeta(name="kept", namespace="argo", uid="12345-6"), "nobody-applies")
    del sent["metadata"]["labels"]  # or our controllers would remove it, for it has no Workflow
    stored = (await hub.create(MANIFEST_WORK, sent, namespace="nobody-applies")).to_dict()
    assert fits(sent, stored)
    steered = carry(stored["spec"], body["spec"] | {"shutdown": "Stop"})
    patch = merge_patch({"spec": steered})
    stored = (
        await hub.patch(MANIFEST_WORK, sent["metadata"]["name"], patch, namespace="nobody-applies")
    ).to_dict()
    assert fits(steered, stored["spec"])
    assert "ignoreFields" not in stored["spec"]["manifestConfigs"][0]["updateStrategy"]["serverSideApply"]


async def test_workflows_end_on_the_hub_as_on_their_clusters(ocm: OcmHub) -> None:
    argosy = ocm.argosy
    expected = {}
    async with watching(argosy.managed) as runs:
        for cluster in (OCMS, OURS):
            for kind, (make, phase) in KINDS.items():
                body = make(f"{kind}-{cluster}", placement=f"only-{cluster}")
                await workflows.create(argosy, body)
                expected[body["metadata"]["name"]] = phase
        for name, phase in expected.items():
            assert workflows.phase_of(await workflows.in_phase(argosy, name)) == phase
    for kind in KINDS:
        await workflows.same_as_copy(argosy, f"{kind}-{OURS}")
        await same_five_fields(argosy, f"{kind}-{OCMS}")
    for name, phase in expected.items():
        hub = await workflows.shown(argosy.hub, name)
        copy = await workflows.shown(argosy.managed[workflows.cluster_of(hub)], name)
        assert runs.of(name) == {(workflows.cluster_of(hub), copy["metadata"]["uid"])}
        assert copy["status"]["nodes"]
        assert hub["metadata"]["labels"][keys.PHASE_LABEL] == phase
        assert hub["metadata"]["labels"][keys.COMPLETED_LABEL] == "true"
        assert keys.WAITING_ANNOTATION not in hub["metadata"]["annotations"]
        work = await works.of(argosy, name)
        assert (works.condition(work, "Applied")[0], works.condition(work, "Complete")[0]) == ("True", "True")
    registered = (await argosy.hub.get(MANAGED_CLUSTER, OCMS)).to_dict()
    assert "taints" not in registered["spec"]
    await works.deleted_everywhere(argosy, *expected)


async def same_five_fields(argosy: Argosy, name: str) -> None:
    async def probe() -> bool:
        hub = await workflows.shown(argosy.hub, name)
        copy = await workflows.shown(argosy.managed[OCMS], name)
        assert hub["status"] == {key: copy["status"][key] for key in REPORTED if copy["status"].get(key)}
        return True

    await eventually(probe, within=60, what=f"what OCM's agent reports of {name}")


async def test_a_workflow_with_no_time_to_live_runs_once_and_its_end_arrives(ocm: OcmHub) -> None:
    argosy = ocm.argosy
    names = [f"brief-{cluster}" for cluster in (OCMS, OURS)]
    async with watching(argosy.managed) as runs:
        for name, cluster in zip(names, (OCMS, OURS), strict=True):
            ttl = {"secondsAfterCompletion": 0}
            await workflows.create(
                argosy, workflows.hello(name, placement=f"only-{cluster}", ttlStrategy=ttl)
            )
        for name, cluster in zip(names, (OCMS, OURS), strict=True):
            assert workflows.phase_of(await workflows.in_phase(argosy, name)) == "Succeeded"
            await workflows.gone(argosy.managed[cluster], name)
            await works.touch(argosy, await works.of(argosy, name))
        # Whatever the touch has brought about has happened when a later Workflow has ended.
        await workflows.create(argosy, workflows.hello("later", placement=f"only-{OCMS}"))
        await workflows.in_phase(argosy, "later")
        for name in names:
            assert len(runs.of(name)) == 1
    await works.deleted_everywhere(argosy, *names, "later")


async def test_a_running_workflow_survives_resyncs_and_follows_the_hub(ocm: OcmHub) -> None:
    argosy = ocm.argosy
    managed, name = argosy.managed[OCMS], "steered"
    async with watching(argosy.managed) as runs:
        await workflows.create(argosy, workflows.hello(name, placement=f"only-{OCMS}", seconds=300))
        await workflows.in_phase(argosy, name, "Running")
        await running(managed, name)
        # Somebody on the cluster owns a field of the spec, as Argo's controller does.
        await managed.patch(WORKFLOW, name, merge_patch({"spec": {"priority": 7}}), namespace="argo")
        await works.touch(argosy, await works.of(argosy, name))
        await works.applied_again(argosy, name)
        assert (await running(managed, name))["spec"]["priority"] == 7

        for spec in ({"suspend": True}, {"suspend": None}):
            await argosy.hub.patch(WORKFLOW, name, merge_patch({"spec": spec}), namespace="argo")
            await carried(managed, name, spec)
            await works.touch(argosy, await works.applied_again(argosy, name))
            await works.applied_again(argosy, name)
            await running(managed, name)

        stop = {"shutdown": "Stop"}
        await argosy.hub.patch(WORKFLOW, name, merge_patch({"spec": stop}), namespace="argo")
        await carried(managed, name, stop)
        hub = await workflows.in_phase(argosy, name)
    assert (hub["status"]["phase"], hub["status"]["message"]) == ("Failed", "Stopped with strategy 'Stop'")
    assert len(runs.of(name)) == 1
    assert works.condition(await works.of(argosy, name), "Applied")[0] == "True"
    await works.deleted_everywhere(argosy, name)


async def running(managed: Client, name: str) -> Json:
    """The copy, whose status must be there and say that it runs."""

    async def probe() -> Json:
        copy = await workflows.shown(managed, name)
        nodes = copy["status"]["nodes"]
        assert (copy["status"]["phase"], nodes[name]["phase"]) == ("Running", "Running"), copy["status"]
        return copy

    return await eventually(probe, what=f"{name} running on its cluster")


async def carried(managed: Client, name: str, spec: Json) -> None:
    async def probe() -> bool:
        copy = await workflows.shown(managed, name)
        return {key: copy["spec"].get(key) for key in spec} == spec

    await eventually(probe, what=f"{name} with {spec} on its cluster")


async def test_deleting_a_running_workflow_removes_all_of_it(ocm: OcmHub) -> None:
    argosy = ocm.argosy
    names = [f"deleted-{cluster}" for cluster in (OCMS, OURS)]
    for name, cluster in zip(names, (OCMS, OURS), strict=True):
        await workflows.create(argosy, workflows.hello(name, placement=f"only-{cluster}", seconds=300))
    for name in names:
        await workflows.in_phase(argosy, name, "Running")
    await works.deleted_everywhere(argosy, *names)


async def test_without_the_permission_the_hub_says_so_and_with_it_the_workflow_goes_on(ocm: OcmHub) -> None:
    argosy, name = ocm.argosy, "forbidden"
    managed = argosy.managed[OCMS]
    await managed.delete(CLUSTER_ROLE, WORK_ROLE)

    async def refused() -> bool:
        return not await may_apply_workflows(managed)

    await eventually(refused, what="the role out of what OCM's agent may do")
    await workflows.create(argosy, workflows.hello(name, placement=f"only-{OCMS}"))
    event = await workflows.event(argosy.hub, name, "NotApplied")
    assert "forbidden" in event["message"]
    await bring_role(argosy.hub, managed)
    hub = await workflows.in_phase(argosy, name)
    assert workflows.phase_of(hub) == "Succeeded"
    assert keys.WAITING_ANNOTATION not in hub["metadata"]["annotations"]
    await works.deleted_everywhere(argosy, name)
