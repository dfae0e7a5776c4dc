"""ManifestWorks for tests: bodies, what to wait for in their status, and the objects on the managed cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from agent.decide.naming import Hub
from controllers.api.kinds import APPLIED_MANIFEST_WORK, MANIFEST_WORK, WORK_GROUP, WORKFLOW, Kind
from controllers.api.work import (
    AppliedManifestWork,
    AppliedResource,
    FieldValue,
    ManifestCondition,
    ManifestWork,
)
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.object import Object
from controllers.kube.patch import Patch, merge_patch
from tests.eventually import eventually

CLUSTER = "cluster1"
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")

Json = dict[str, Any]


class Clusters(Protocol):
    """What the functions here need of the fixture `pair`."""

    @property
    def hub(self) -> Client: ...

    @property
    def managed(self) -> Client: ...


# -- bodies ----------------------------------------------------------------------------------------------
def manifest(kind: Kind, name: str, namespace: str = "", **fields: Any) -> Json:
    metadata: Json = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **fields}


def config_map(name: str, namespace: str, **data: str) -> Json:
    return manifest(CONFIG_MAP, name, namespace, data=data)


def workflow(name: str, namespace: str, **spec: Any) -> Json:
    template = {"name": "t", "container": {"image": "busybox:1.37"}}
    return manifest(WORKFLOW, name, namespace, spec={"entrypoint": "t", "templates": [template], **spec})


def deployment(name: str, namespace: str, replicas: int = 1) -> Json:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "busybox:1.37"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod}
    return manifest(DEPLOYMENT, name, namespace, spec=spec)


def option(kind: Kind, name: str, namespace: str = "", **fields: Any) -> Json:
    """A manifestConfigs entry for one object."""
    identifier = {"group": kind.group, "resource": kind.plural, "name": name, "namespace": namespace}
    return {"resourceIdentifier": identifier, **fields}


def strategy(kind: str, **fields: Any) -> Json:
    return {"type": kind, **fields}


def values(**path_by_name: str) -> list[Json]:
    """feedbackRules that report `path_by_name`."""
    paths = [{"name": name, "path": path} for name, path in path_by_name.items()]
    return [{"type": "JSONPaths", "jsonPaths": paths}]


COMPLETE_WHEN_FINAL = {
    "type": "CEL",
    "condition": "Complete",
    "celExpressions": ["object.status.phase in ['Succeeded', 'Failed', 'Error']"],
}


# -- on the hub ------------------------------------------------------------------------------------------
async def create(pair: Clusters, name: str, *manifests: Json, **spec: Any) -> ManifestWork:
    body = {
        "apiVersion": f"{WORK_GROUP}/v1",
        "kind": "ManifestWork",
        "metadata": {"name": name, "namespace": CLUSTER},
        "spec": {"workload": {"manifests": list(manifests)}, **spec},
    }
    return (await pair.hub.create(MANIFEST_WORK, body, namespace=CLUSTER)).decode(ManifestWork)


async def change(pair: Clusters, name: str, *manifests: Json, **spec: Any) -> None:
    """Gives the work other manifests."""
    patch = merge_patch({"spec": {"workload": {"manifests": list(manifests)}, **spec}})
    await pair.hub.patch(MANIFEST_WORK, name, patch, namespace=CLUSTER)


async def patch(pair: Clusters, name: str, patch: Patch) -> None:
    """Any other change of the work."""
    await pair.hub.patch(MANIFEST_WORK, name, patch, namespace=CLUSTER)


async def read(pair: Clusters, name: str) -> ManifestWork:
    return (await pair.hub.get(MANIFEST_WORK, name, namespace=CLUSTER)).decode(ManifestWork)


async def delete(pair: Clusters, name: str, *, within: float = 20) -> None:
    """Deletes the work and waits until it is gone."""
    await pair.hub.delete(MANIFEST_WORK, name, namespace=CLUSTER)

    async def probe() -> bool:
        return await pair.hub.find(MANIFEST_WORK, name, namespace=CLUSTER) is None

    await eventually(probe, within=within, what=f"ManifestWork {name} gone")


async def clear(pair: Clusters) -> None:
    """Deletes all works, as an agent that runs lets them go."""
    found, _ = await pair.hub.list(MANIFEST_WORK, namespace=CLUSTER)
    await asyncio.gather(*(delete(pair, item.metadata.name, within=60) for item in found))


async def condition(
    pair: Clusters, name: str, kind: str, status: str, *, ordinal: int | None = None, within: float = 20
) -> str:
    """Waits for a condition at the work's present generation, of the work or of one manifest; "<reason>: <message>"."""

    async def probe() -> str:
        work = await read(pair, name)
        found = work.status.conditions if ordinal is None else at(work, ordinal).conditions
        texts = [f"{item.type}={item.status} {item.reason}: {item.message}" for item in found]
        for item in found:
            current = item.observed_generation in (None, work.metadata.generation)
            if item.type == kind and item.status == status and current:
                return f"{item.reason}: {item.message}"
        raise AssertionError(f"{name}: {texts}")

    return await eventually(probe, within=within, what=f"{kind}={status} of {name}")


def at(work: ManifestWork, ordinal: int) -> ManifestCondition:
    """The status of one manifest. AssertionError if there is none yet."""
    for item in work.status.resource_status.manifests:
        if item.resource_meta.ordinal == ordinal:
            return item
    raise AssertionError(f"no status of manifest {ordinal}: {work.status}")


async def feedback(pair: Clusters, name: str, expected: Mapping[str, Any], ordinal: int = 0) -> None:
    """Waits until exactly these values are reported."""

    async def probe() -> bool:
        found = at(await read(pair, name), ordinal).status_feedback.values
        assert {item.name: plain(item.value) for item in found} == expected
        return True

    await eventually(probe, within=20, what=f"feedback of {name}")


async def feedback_value(pair: Clusters, name: str, value: str, expected: Any) -> None:
    """Waits until one value of the first manifest is reported so."""

    async def probe() -> bool:
        found = at(await read(pair, name), 0)
        reported = {item.name: plain(item.value) for item in found.status_feedback.values}
        assert reported.get(value) == expected, reported
        return True

    await eventually(probe, within=20, what=f"{value} of {name}")


def plain(value: FieldValue) -> Any:
    fields = {"Integer": value.integer, "String": value.string, "Boolean": value.boolean}
    return fields.get(value.type, value.json_raw)


# -- on the managed cluster ------------------------------------------------------------------------------
async def find(pair: Clusters, kind: Kind, name: str, namespace: str = "") -> Object | None:
    return await pair.managed.find(kind, name, namespace=namespace)


async def there(pair: Clusters, kind: Kind, name: str, namespace: str = "", **expected: Any) -> Object:
    """The object, once it is there and its top-level fields are as `expected`."""

    async def probe() -> Object | None:
        found = await find(pair, kind, name, namespace)
        if found is not None:
            present = found.to_dict()
            assert {key: present.get(key) for key in expected} == expected
        return found

    return await eventually(probe, within=20, what=f"{kind} {namespace}/{name}")


async def not_there(
    pair: Clusters, kind: Kind, name: str, namespace: str = "", *, within: float = 20
) -> None:
    async def probe() -> bool:
        return await find(pair, kind, name, namespace) is None

    await eventually(probe, within=within, what=f"{kind} {namespace}/{name} gone")


def trace_name(pair: Clusters, name: str) -> str:
    return Hub(pair.hub.server).applied_name(name)


async def trace(pair: Clusters, name: str) -> AppliedManifestWork | None:
    """The AppliedManifestWork of a work."""
    found = await pair.managed.find(APPLIED_MANIFEST_WORK, trace_name(pair, name))
    return None if found is None else found.decode(AppliedManifestWork)


async def recorded(pair: Clusters, name: str, *objects: Object) -> AppliedManifestWork:
    """The AppliedManifestWork, once it lists exactly `objects`, by uid."""

    async def probe() -> AppliedManifestWork | None:
        found = await trace(pair, name)
        if found is not None:
            listed = {item.uid for item in found.status.applied_resources}
            assert listed == {item.metadata.uid for item in objects}
        return found

    return await eventually(probe, within=20, what=f"trace of {name}")


def resource(plural: str, name: str, namespace: str = "") -> AppliedResource:
    """A core object as a trace lists it, without its uid."""
    return AppliedResource(resource=plural, version="v1", name=name, namespace=namespace)


def node(name: str, phase: str) -> Json:
    """An entry of `status.nodes`, with what Argo's schema asks of it."""
    return {"id": name, "name": name, "type": "Pod", "phase": phase}


async def play_argo(pair: Clusters, name: str, namespace: str, phase: str, **status: Any) -> Object:
    """Writes a Workflow's status as Argo's controller would."""
    patch = merge_patch({"status": {"phase": phase, **status}})
    return await pair.managed.patch(WORKFLOW, name, patch, namespace=namespace)


async def remove(pair: Clusters, kind: Kind, name: str, namespace: str = "") -> None:
    """Deletes an object on the managed cluster as its user would; fine if it is gone."""
    try:
        await pair.managed.delete(kind, name, namespace=namespace)
    except NotFound:
        return
