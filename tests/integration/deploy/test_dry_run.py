"""A real API server accepts every object of deploy/, and has nothing to say about it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from agent.hub_kubeconfig import by_token
from controllers.api.kinds import NAMESPACE
from controllers.kube.client import Client
from hack.deploy.kubectl import Kubectl
from hack.deploy.objects import with_image, with_membership
from hack.fleet.errors import FleetError
from tests.deployed import NAMES, Json, program, rendered
from tests.e2e.ocm.components import ensure

_MEMBERSHIP = yaml.safe_dump(by_token({"server": "https://hub.example:6443"}, "c1", "a-token"))


async def accepts(client: Client, kubeconfig: Path, objects: list[Json]) -> str:
    """What kubectl says of a server-side dry run of all objects; their namespaces are made for real.

    A warning of the server is an error: deprecated fields, pods below the namespace's security level.
    """
    for body in objects:
        if body["kind"] == "Namespace":
            await ensure(client, NAMESPACE, body)
    kubectl = Kubectl(str(program("kubectl")), kubeconfig)
    strictly = ("--dry-run=server", "--warnings-as-errors", "--validate=strict")
    return await asyncio.to_thread(kubectl.apply, objects, *strictly)


@pytest.mark.parametrize("base", NAMES)
async def test_every_object_is_accepted(client: Client, kubeconfig: Path, base: str) -> None:
    objects = await asyncio.to_thread(rendered, base)
    said = await accepts(client, kubeconfig, objects)
    assert said.count("(server dry run)") == len(objects), said


async def test_an_agent_with_its_membership_is_accepted(client: Client, kubeconfig: Path) -> None:
    objects = await asyncio.to_thread(rendered, "agent")
    ready = with_membership(with_image(objects, "example.org/a:1"), "argosy-agent", "c1", _MEMBERSHIP)
    assert "secret/hub-kubeconfig" in await accepts(client, kubeconfig, ready)


@pytest.mark.parametrize("base", ["hub", "agent"])
async def test_a_pod_with_more_rights_than_it_needs_would_be_noticed(
    client: Client, kubeconfig: Path, base: str
) -> None:
    """The namespaces are `restricted`: what weakens a pod's security context does not pass the test above."""
    objects = await asyncio.to_thread(rendered, base)
    deployment = next(body for body in objects if body["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] = False
    with pytest.raises(FleetError, match="runAsNonRoot"):
        await accepts(client, kubeconfig, objects)


async def test_a_misspelt_field_would_be_noticed(client: Client, kubeconfig: Path) -> None:
    objects = await asyncio.to_thread(rendered, "hub")
    deployment = next(body for body in objects if body["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["topologySpread"] = []
    with pytest.raises(FleetError, match="topologySpread"):
        await accepts(client, kubeconfig, objects)
