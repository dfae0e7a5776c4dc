"""Controllers and agents as their pods run them, by accounts that have the rights of deploy/ and no others, through a
Workflow's whole life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.api.kinds import WORKFLOW
from controllers.kube.patch import merge_patch
from tests.deployed import account
from tests.e2e import workflows
from tests.e2e.conftest import METRICS, Argosy, join
from tests.e2e.metrics import answers
from tests.e2e.workflows import NAMESPACE
from tests.processes import Process, agent, controllers, registration


@pytest.fixture
async def limited(argosy: Argosy, tmp_path: Path) -> AsyncIterator[list[Process]]:
    """All processes with leader election and least rights, instead of administrators', which are back afterwards."""
    hub = argosy.fleet.hub.kubeconfig
    elected = ("--leader-elect", "--lease-namespace=argosy", *METRICS)
    made = []
    for name, begin in (("argosy-controllers", controllers), ("argosy-registration", registration)):
        rights = await account(argosy.hub, hub, "hub", tmp_path / f"{name}.kubeconfig", name=name)
        apart = ("--registration=off",) if begin is controllers else ()
        made.append(begin(rights, tmp_path, *apart, *elected))
    for name, cluster in argosy.fleet.managed.items():
        out = tmp_path / f"{name}.kubeconfig"
        rights = await account(argosy.managed[name], cluster.kubeconfig, "agent", out, name="argosy-agent")
        own = tmp_path / f"{name}.agent.kubeconfig"
        join(name, hub, own)
        options = ("--leader-elect", "--lease-namespace=argosy-agent", *METRICS)
        made.append(agent(name, own, rights, tmp_path, *options))
    for process in argosy.processes:
        process.stop()
    try:
        for process in made:
            await process.start()
        yield made
    finally:
        for process in made:
            process.stop()
        for process in argosy.processes:
            await process.start()


async def test_a_whole_life_takes_no_more_than_the_rights_of_deploy(
    argosy: Argosy, limited: list[Process]
) -> None:
    for name, make in (("deployed-hello", workflows.hello), ("deployed-diamond", workflows.diamond)):
        await workflows.create(argosy, make(name))
        hub = await workflows.same_as_copy(argosy, name, within=90)
        assert workflows.phase_of(hub) == "Succeeded"
    await workflows.create(argosy, workflows.two_steps("deployed-stop", seconds=30))
    await workflows.in_phase(argosy, "deployed-stop", "Running")
    stop = merge_patch({"spec": {"shutdown": "Stop"}})
    await argosy.hub.patch(WORKFLOW, "deployed-stop", stop, namespace=NAMESPACE)
    await workflows.in_phase(argosy, "deployed-stop", "Failed")
    await workflows.create(argosy, workflows.hello("deployed-delete", seconds=30))
    await workflows.in_phase(argosy, "deployed-delete", "Running")
    names = ("deployed-hello", "deployed-diamond", "deployed-stop", "deployed-delete")
    await workflows.delete(argosy, *names)
    for process in limited:
        codes = await answers(process)
        assert codes["200"] > 0
        assert {code for code in codes if code in ("401", "403")} == set(), process.log
