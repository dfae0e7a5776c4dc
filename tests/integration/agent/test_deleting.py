"""What a work says while it is deleted: that it is, and which object on the cluster is held by which finalizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from controllers.api.kinds import (
    APPLIED_MANIFEST_WORK,
    CLUSTER_GROUP,
    CLUSTER_ROLE,
    MANIFEST_WORK,
    NAMESPACE,
    ROLE,
    WORK_GROUP,
    WORKFLOW,
    Kind,
)
from controllers.kube.client import Client
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.accounts import kubeconfig_of, rule
from tests.integration.agent.conftest import Agent, Pair, running
from tests.integration.agent.works import CLUSTER, CONFIG_MAP, Json, config_map, workflow

FINALIZER = "example.com/hold"


def held(name: str, namespace: str) -> Json:
    body = config_map(name, namespace, a="1")
    body["metadata"]["finalizers"] = [FINALIZER]
    return body


async def let_go(pair: Pair, kind: Kind, name: str, namespace: str = "") -> None:
    patch = merge_patch({"metadata": {"finalizers": None}})
    await pair.managed.patch(kind, name, patch, namespace=namespace)


async def deleting(pair: Pair, name: str, *expected: str) -> None:
    """Deletes the work and waits for its condition to name `expected`."""
    await pair.hub.delete(MANIFEST_WORK, name, namespace=CLUSTER)

    async def probe() -> bool:
        text = await works.condition(pair, name, "Deleting", "True", within=0)
        assert text.startswith("WorkDeleting: ManifestWork is being deleted")
        assert all(part in text for part in expected), text
        return True

    await eventually(probe, what="the condition says what it waits for")


async def gone(pair: Pair, name: str) -> None:
    async def probe() -> bool:
        return await pair.hub.find(MANIFEST_WORK, name, namespace=CLUSTER) is None

    await eventually(probe, what=f"ManifestWork {name} gone")


async def test_what_is_held_is_named_and_what_has_gone_is_listed_no_longer(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    inner = f"{namespace}-inner"
    manifests = [works.manifest(NAMESPACE, inner), held("withfin", inner), config_map("free", namespace)]
    await works.create(pair, namespace, *manifests)
    await works.condition(pair, namespace, "Applied", "True")
    await deleting(
        pair,
        namespace,
        f": ConfigMap {inner}/withfin is held by finalizer {FINALIZER}; Namespace {inner} is held by what is in it (",
        f"kubectl edit configmap withfin -n {inner}",
    )
    await works.not_there(pair, CONFIG_MAP, "free", namespace, within=0)

    async def is_listed() -> bool:
        found = await works.trace(pair, namespace)
        assert found is not None
        assert [item.name for item in found.status.applied_resources] == ["withfin", inner]
        return True

    await eventually(is_listed, what="only what is left is listed")
    await let_go(pair, CONFIG_MAP, "withfin", inner)
    await gone(pair, namespace)
    assert await works.trace(pair, namespace) is None


async def test_a_workflow_that_is_held_by_somebody_elses_finalizer_is_named(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    copy = workflow("w", namespace)
    copy["metadata"]["finalizers"] = [FINALIZER]
    await works.create(pair, namespace, copy)
    await works.there(pair, WORKFLOW, "w", namespace)
    await works.play_argo(pair, "w", namespace, "Running")
    await deleting(pair, namespace, f": Workflow {namespace}/w is held by finalizer {FINALIZER}. ")
    await let_go(pair, WORKFLOW, "w", namespace)
    await gone(pair, namespace)


async def test_a_trace_that_is_held_itself_is_named(pair: Pair, agent: Agent, namespace: str) -> None:
    await works.create(pair, namespace, config_map("c", namespace))
    await works.condition(pair, namespace, "Applied", "True")
    trace = await works.trace(pair, namespace)
    assert trace is not None
    name = trace.metadata.name
    theirs = merge_patch({"metadata": {"finalizers": [*trace.metadata.finalizers, FINALIZER]}})
    await pair.managed.patch(APPLIED_MANIFEST_WORK, name, theirs)
    await deleting(pair, namespace, f": AppliedManifestWork {name} is held by finalizer {FINALIZER}. ")
    await works.not_there(pair, CONFIG_MAP, "c", namespace, within=0)
    await let_go(pair, APPLIED_MANIFEST_WORK, name)
    await gone(pair, namespace)


async def test_a_work_whose_objects_go_at_once_costs_no_report(pair: Pair, namespace: str) -> None:
    written: list[str] = []
    work = MANIFEST_WORK.path(CLUSTER, namespace)

    class Recording(Client):
        async def request(self, method: str, path: str, **more: Any) -> bytes:
            if method == "PATCH" and path.startswith(work):
                written.append(path)
            return await super().request(method, path, **more)

    async with running(pair, client=Recording):
        await works.create(pair, namespace, config_map("c", namespace))
        await works.condition(pair, namespace, "Applied", "True")
        written.clear()
        await works.delete(pair, namespace)
    assert written == [work], "the finalizer is taken off, nothing else"


async def test_what_the_agent_may_not_delete_is_named_and_is_in_nobodys_way(
    pair: Pair, namespace: str, tmp_path: Path
) -> None:
    role = works.manifest(ROLE, "r", namespace, rules=[])
    async with running(pair):
        await works.create(pair, namespace, config_map("c", namespace), role)
        await works.condition(pair, namespace, "Applied", "True")
    rules = [
        rule("", "nodes", "get", "list", "watch"),
        rule("", "configmaps", "*"),
        rule(ROLE.group, ROLE.plural, "get"),
        rule(CLUSTER_GROUP, "*", "*"),
        rule(WORK_GROUP, "*", "*"),
    ]
    account = f"timid-{namespace}"
    timid = await kubeconfig_of(pair, account, rules, tmp_path)
    async with running(pair, managed=timid, free=False):
        await deleting(
            pair, namespace, f': roles {namespace}/r cannot be removed: roles.rbac.authorization.k8s.io "r"'
        )
        await works.not_there(pair, CONFIG_MAP, "c", namespace, within=0)
        more = [*rules, rule(ROLE.group, ROLE.plural, "delete")]
        await pair.managed.patch(CLUSTER_ROLE, account, merge_patch({"rules": more}))
        await gone(pair, namespace)
    await works.not_there(pair, ROLE, "r", namespace, within=0)
