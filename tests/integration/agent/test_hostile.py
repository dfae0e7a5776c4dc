"""Content that nobody expects, on the hub and on the cluster: the agent names it, and does everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from agent.decide.naming import applied_work_name, hub_hash
from controllers.api import keys
from controllers.api.kinds import (
    APPLIED_MANIFEST_WORK,
    EVENT,
    LEASE,
    MANAGED_CLUSTER,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
)
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Agent, Pair, running
from tests.integration.agent.works import CLUSTER, CONFIG_MAP, config_map, workflow

DEEP = msgspec.Raw(b'{"a":' * 1500 + b"1" + b"}" * 1500)
# Argo's schema leaves open what a plugin's template holds.
ODD = {"storedTemplates": {"t": {"plugin": DEEP}}}
NOT_A_TIME: list[str] = []


async def told(pair: Pair, about: str) -> dict[str, Any]:
    """The Event about what is set aside, on the ManagedCluster or on the work: the agent can write no others."""

    async def event() -> dict[str, Any] | None:
        found, _ = await pair.hub.list(EVENT, namespace=CLUSTER, field_selector="reason=SetAside")
        bodies = [item.to_dict() for item in found]
        return next((body for body in bodies if body["message"].startswith(about)), None)

    return await eventually(event, what=f"Event about {about}")


@pytest.mark.parametrize("spec", [[], "text", [[{"suspend": True}]]])
async def test_one_manifest_of_an_odd_form_leaves_the_others_alone(
    pair: Pair, agent: Agent, namespace: str, spec: Any
) -> None:
    odd = workflow("odd", namespace) | {"spec": spec}
    manifests = (config_map("first", namespace), odd, config_map("last", namespace))
    await works.create(pair, namespace, *manifests)
    for number in (0, 2):
        await works.condition(pair, namespace, "Applied", "True", ordinal=number)
    await works.condition(pair, namespace, "Applied", "False", ordinal=1)
    assert not agent.task.done()
    await works.delete(pair, namespace)


async def test_a_copy_that_cannot_be_read_is_named_and_healed(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    await works.create(pair, namespace, workflow("a", namespace), config_map("beside", namespace))
    await works.condition(pair, namespace, "Applied", "True")
    await pair.managed.patch(WORKFLOW, "a", merge_patch({"status": ODD}), namespace=namespace)
    text = await works.condition(pair, namespace, "Applied", "False", ordinal=0)
    assert "nested too deeply" in text
    await works.condition(pair, namespace, "Applied", "True", ordinal=1)
    event = await told(pair, f"Workflow {namespace}/a ")
    assert (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == ("ManagedCluster", CLUSTER)
    await pair.managed.patch(
        WORKFLOW,
        "a",
        merge_patch({"status": {"storedTemplates": None, "phase": "Succeeded"}}),
        namespace=namespace,
    )
    await works.condition(pair, namespace, "Applied", "True", ordinal=0)
    await works.delete(pair, namespace)


async def test_a_work_is_removed_whatever_its_copy_holds(pair: Pair, agent: Agent, namespace: str) -> None:
    await works.create(pair, namespace, workflow("a", namespace))
    await works.condition(pair, namespace, "Applied", "True")
    await pair.managed.patch(WORKFLOW, "a", merge_patch({"status": ODD}), namespace=namespace)
    await works.condition(pair, namespace, "Applied", "False", ordinal=0)
    await works.delete(pair, namespace)
    await works.not_there(pair, WORKFLOW, "a", namespace)


async def test_a_result_that_somebody_has_made_unreadable_is_written_again(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    await works.create(pair, namespace, workflow("a", namespace))
    await works.condition(pair, namespace, "Applied", "True")
    await works.play_argo(pair, "a", namespace, "Running")

    async def shown(phase: str) -> None:
        async def so() -> bool:
            found = await pair.hub.find(WORKFLOW_STATUS_RESULT, namespace, namespace=CLUSTER)
            return (
                found is not None and not found.fault and found.to_dict()["workflowStatus"]["phase"] == phase
            )

        await eventually(so, what=f"{phase} on the hub")

    await shown("Running")
    patch = merge_patch({"workflowStatus": {"nodes": DEEP}})
    await pair.hub.patch(WORKFLOW_STATUS_RESULT, namespace, patch, namespace=CLUSTER)
    await told(pair, f"WorkflowStatusResult {CLUSTER}/{namespace} ")
    await works.play_argo(pair, "a", namespace, "Succeeded")
    await shown("Succeeded")
    await works.delete(pair, namespace)


async def test_a_trace_that_cannot_be_read_holds_up_only_its_work(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    await works.create(pair, namespace, config_map("a", namespace))
    await works.condition(pair, namespace, "Applied", "True")
    trace = applied_work_name(hub_hash(pair.hub.host), namespace)
    patch = merge_patch({"status": {"evictionStartTime": NOT_A_TIME}})
    await pair.managed.patch(APPLIED_MANIFEST_WORK, trace, patch, subresource="status")
    event = await told(pair, f"AppliedManifestWork {trace} ")
    assert "$.status.evictionStartTime" in event["message"]
    await works.create(pair, f"{namespace}-b", config_map("b", namespace))
    await works.condition(pair, f"{namespace}-b", "Applied", "True")
    patch = merge_patch({"status": {"evictionStartTime": None}})
    await pair.managed.patch(APPLIED_MANIFEST_WORK, trace, patch, subresource="status")
    await works.change(pair, namespace, config_map("a", namespace, key="new"))
    await works.there(pair, CONFIG_MAP, "a", namespace, data={"key": "new"})
    for name in (namespace, f"{namespace}-b"):
        await works.delete(pair, name)


@pytest.fixture
async def restored(pair: Pair) -> AsyncIterator[None]:
    """The ManagedCluster as it was, at the end."""
    spec = (await pair.hub.get(MANAGED_CLUSTER, CLUSTER)).to_dict()["spec"]
    yield
    patch = merge_patch({"spec": {"taints": None, **spec}})
    await pair.hub.patch(MANAGED_CLUSTER, CLUSTER, patch)


async def renewals(pair: Pair) -> int:
    return int(
        (await pair.hub.get(LEASE, keys.CLUSTER_LEASE_NAME, namespace=CLUSTER)).metadata.resource_version
    )


@pytest.mark.usefixtures("restored")
async def test_a_cluster_that_cannot_be_read_is_alive_and_works(pair: Pair, namespace: str) -> None:
    broken = [{"key": "a", "effect": "NoSelect", "timeAdded": NOT_A_TIME}]
    await pair.hub.patch(MANAGED_CLUSTER, CLUSTER, merge_patch({"spec": {"taints": broken}}))
    before = await renewals(pair)
    async with running(pair):
        await works.create(pair, namespace, config_map("a", namespace))
        await works.condition(pair, namespace, "Applied", "True")

        async def renewed() -> bool:
            return await renewals(pair) > before

        await eventually(renewed, what="the lease renewed")
        await works.delete(pair, namespace)


@pytest.mark.usefixtures("restored")
async def test_a_lease_of_less_than_nothing_is_no_reason_to_run_hot(pair: Pair, namespace: str) -> None:
    await pair.hub.patch(MANAGED_CLUSTER, CLUSTER, merge_patch({"spec": {"leaseDurationSeconds": -(2**31)}}))
    async with running(pair) as agent:
        await works.create(pair, namespace, config_map("a", namespace))
        await works.condition(pair, namespace, "Applied", "True")
        agent.requests.clear()
        await works.delete(pair, namespace)
        assert agent.requests["hub PATCH"] < 20, agent.requests
