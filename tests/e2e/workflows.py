"""Workflows for tests: bodies to create on the hub, and what to wait for there.

Pods are simulated: a label on a template tells how long its pod runs (see hack/fleet/manifests/kwok-stages.yaml).
"""

from __future__ import annotations

from typing import Any

from controllers.api import keys
from controllers.api.kinds import EVENT, WORKFLOW, Kind
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from tests.e2e.conftest import Argosy
from tests.eventually import eventually

NAMESPACE = "argo"
FINAL = ("Succeeded", "Failed", "Error")

Json = dict[str, Any]


def hello(name: str, *, placement: str = "any-cluster", seconds: float = 1, **spec: Any) -> Json:
    """One pod that runs for `seconds`; `spec` adds fields of the Workflow's spec."""
    return body(name, [task("hello", seconds)], placement=placement, **spec)


def two_steps(name: str, *, placement: str = "any-cluster", seconds: float = 1, **spec: Any) -> Json:
    """Two pods, one after the other."""
    steps = [[{"name": word, "template": "task"}] for word in ("first", "second")]
    return body(name, [{"name": "steps", "steps": steps}, task("task", seconds)], placement=placement, **spec)


def diamond(name: str, *, placement: str = "any-cluster", seconds: float = 1, **spec: Any) -> Json:
    """A, then B and C at the same time, then D."""
    needs: dict[str, list[str]] = {"A": [], "B": ["A"], "C": ["A"], "D": ["B", "C"]}
    tasks = [{"name": key, "template": "task", "dependencies": before} for key, before in needs.items()]
    return body(
        name,
        [{"name": "diamond", "dag": {"tasks": tasks}}, task("task", seconds)],
        placement=placement,
        **spec,
    )


def task(name: str, seconds: float) -> Json:
    return {
        "name": name,
        "metadata": {"labels": {"fake.argosy.io/duration": f"{round(seconds * 1000)}ms"}},
        "container": {"image": "busybox:1.37", "command": ["true"]},
    }


def body(name: str, templates: list[Json], *, placement: str, **spec: Any) -> Json:
    """The first template is the entrypoint."""
    return {
        "apiVersion": WORKFLOW.api_version,
        "kind": WORKFLOW.kind,
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": {keys.ENABLE_LABEL: "true"},
            "annotations": {keys.PLACEMENT_ANNOTATION: placement},
        },
        "spec": {"entrypoint": templates[0]["name"], "templates": templates, **spec},
    }


def of(kind: Kind, name: str, **fields: Any) -> Json:
    """An object of any kind, with further top-level fields."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, **fields}


async def create(argosy: Argosy, workflow: Json) -> Json:
    return (await argosy.hub.create(WORKFLOW, workflow, namespace=NAMESPACE)).to_dict()


async def shown(client: Client, name: str, namespace: str = NAMESPACE) -> Json:
    """The Workflow as `client`'s cluster has it. Raises NotFound."""
    return (await client.get(WORKFLOW, name, namespace=namespace)).to_dict()


def phase_of(workflow: Json) -> str:
    return str((workflow.get("status") or {}).get("phase") or "")


def cluster_of(workflow: Json) -> str:
    """The cluster that it was placed on, "" for none."""
    return str((workflow["metadata"].get("annotations") or {}).get(keys.CLUSTER_ANNOTATION) or "")


async def in_phase(argosy: Argosy, name: str, *phases: str, within: float = 90) -> Json:
    """The hub's Workflow once it is in one of `phases`; any of the final ones if none are named."""
    wanted = phases or FINAL

    async def probe() -> Json | None:
        found = await shown(argosy.hub, name)
        assert phase_of(found) in wanted, f"{name} is {phase_of(found)!r}: {found['metadata']}"
        return found

    return await eventually(probe, within=within, what=f"{name} in {'/'.join(wanted)} on the hub")


async def same_as_copy(argosy: Argosy, name: str, *, within: float = 30) -> Json:
    """The hub's Workflow once it has ended, and its status is that of the copy on its cluster."""

    async def probe() -> Json:
        hub = await shown(argosy.hub, name)
        assert phase_of(hub) in FINAL, f"{name} is {phase_of(hub)!r} on the hub"
        copy = await shown(argosy.managed[cluster_of(hub)], name)
        assert hub["status"] == copy["status"], f"{name}: {hub['status']}\ncopy: {copy['status']}"
        return hub

    return await eventually(probe, within=within, what=f"{name} on the hub as on its cluster")


async def spec_on(client: Client, name: str, **expected: Any) -> None:
    """Waits until fields of the Workflow's spec are so; None for absent."""

    async def probe() -> bool:
        spec = (await shown(client, name))["spec"]
        assert {key: spec.get(key) for key in expected} == expected
        return True

    await eventually(probe, within=10, what=f"spec of {name}")


async def gone(client: Client, name: str, *, within: float = 30) -> None:
    """Waits until there is no Workflow of that name."""

    async def probe() -> bool:
        return await client.find(WORKFLOW, name, namespace=NAMESPACE) is None

    await eventually(probe, within=within, what=f"{name} gone")


async def delete(argosy: Argosy, *names: str) -> None:
    """Deletes Workflows on the hub, those that exist, and waits until the hub has let them go."""
    for name in names:
        try:
            await argosy.hub.delete(WORKFLOW, name, namespace=NAMESPACE)
        except NotFound:
            continue
    for name in names:
        await gone(argosy.hub, name)


async def event(client: Client, name: str, reason: str, *, within: float = 20) -> Json:
    """The Event with `reason` on the Workflow `name`."""

    async def probe() -> Json | None:
        found, _ = await client.list(
            EVENT, namespace=NAMESPACE, field_selector=f"involvedObject.name={name},reason={reason}"
        )
        return found[-1].to_dict() if found else None

    return await eventually(probe, within=within, what=f"Event {reason} on {name}")
