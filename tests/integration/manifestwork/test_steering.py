"""What a user changes on the hub's Workflow while it runs: stop, suspend and their like travel, nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.kinds import MANIFEST_WORK, WORKFLOW
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from manifestwork.wiring import add_to
from tests.eventually import eventually
from tests.integration.bodies import workflow
from tests.integration.played_agent import PlayedAgent
from tests.integration.running import running


async def change(client: Client, namespace: str, **spec: Any) -> None:
    await client.patch(WORKFLOW, "a", merge_patch({"spec": spec}), namespace=namespace)


async def carries(agent: PlayedAgent, **expected: Any) -> dict[str, Any]:
    """The work's spec, once the copy in it has these spec fields; None: absent."""

    async def so() -> dict[str, Any]:
        spec: dict[str, Any] = (await agent.work()).to_dict()["spec"]
        copy = spec["workload"]["manifests"][0]["spec"]
        assert {name: copy.get(name) for name in expected} == expected
        return spec

    return await eventually(so, what=f"copy with {expected}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shutdown", "Stop"),
        ("shutdown", "Terminate"),
        ("suspend", True),
        ("activeDeadlineSeconds", 60),
        ("parallelism", 2),
        ("priority", 7),
    ],
)
async def test_a_field_that_argo_lets_change_is_carried_to_the_copy(
    client: Client, namespace: str, clusters: list[str], field: str, value: object
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        before = (await agent.work()).to_dict()["spec"]
        await change(client, namespace, **{field: value})
        after = await carries(agent, **{field: value})
    copy = after["workload"]["manifests"][0]
    copy["spec"].pop(field)
    assert copy == before["workload"]["manifests"][0]
    assert after["manifestConfigs"][0]["updateStrategy"]["serverSideApply"]["force"] is True


async def test_suspend_and_resume_arrive_in_order(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        await agent.work()
        for value in (True, None, True, None):
            await change(client, namespace, suspend=value)
            await carries(agent, suspend=value)


async def test_a_change_made_while_the_controllers_were_away_is_carried(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        await agent.work()
    await change(client, namespace, shutdown="Stop")
    async with running(client, add_to):
        await carries(agent, shutdown="Stop")


async def test_other_changes_of_the_spec_and_the_status_stay_on_the_hub(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        before = (await agent.work()).to_dict()["spec"]["workload"]["manifests"][0]
        await change(client, namespace, entrypoint="another", arguments={"parameters": []})
        status = merge_patch({"status": {"phase": "Running"}, "metadata": {"labels": {"new": "label"}}})
        await client.patch(WORKFLOW, "a", status, namespace=namespace)
        await change(client, namespace, priority=1)
        after = await carries(agent, priority=1)
    copy = after["workload"]["manifests"][0]
    del copy["spec"]["priority"]
    assert copy == before


async def test_what_others_put_into_the_work_stays(
    client: Client, namespace: str, clusters: list[str]
) -> None:
    agent = PlayedAgent(client, clusters[0])
    async with running(client, add_to):
        await client.create(WORKFLOW, workflow("a", cluster=clusters[0]), namespace=namespace)
        work = await agent.work()
        theirs = {
            "spec": {"deleteOption": {"propagationPolicy": "Orphan"}},
            "metadata": {"labels": {"t": "x"}},
        }
        await client.patch(MANIFEST_WORK, work.metadata.name, merge_patch(theirs), namespace=clusters[0])
        await change(client, namespace, suspend=True)
        spec = await carries(agent, suspend=True)
        assert spec["deleteOption"]["propagationPolicy"] == "Orphan"
        assert (await agent.work()).metadata.labels["t"] == "x"
