"""What a work lacks on the cluster may come later: a kind, a namespace. It is noticed when it comes, not by chance."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.work import managed, reconciler
from controllers.api.kinds import CLUSTER_GROUP, CLUSTER_ROLE, CRD, NAMESPACE, SECRET, WORK_GROUP, Kind
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.patch import merge_patch
from controllers.runtime.backoff import Backoff
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.accounts import kubeconfig_of, rule
from tests.integration.agent.conftest import Pair, running, started
from tests.integration.agent.mortal import gated
from tests.integration.agent.works import CONFIG_MAP, Json, config_map, manifest

_HOUR = Backoff(base=3600.0, cap=3600.0)
_numbers = itertools.count(1)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that tries again by itself after an hour: whatever it does earlier, it was told to."""
    monkeypatch.setattr(reconciler, "_REAPPLY", _HOUR)


@pytest.fixture
async def kind(pair: Pair) -> AsyncIterator[Kind]:
    """A kind that the cluster does not serve, of a group that it does not know. What it is made to serve goes."""
    number = next(_numbers)
    new = Kind(f"late{number}.example.org", "v1", "Widget", "widgets")
    yield new
    found, _ = await pair.managed.list(CRD)
    for item in found:
        if item.metadata.name.endswith(new.group):
            await uninstall(pair, item.metadata.name)


def definition(kind: Kind, *versions: str) -> Json:
    """Serves `versions`, by default that of `kind`."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = [
        {"name": name, "served": True, "storage": not number, "schema": {"openAPIV3Schema": schema}}
        for number, name in enumerate(versions or (kind.version,))
    ]
    names = {"plural": kind.plural, "kind": kind.kind, "singular": kind.plural.removesuffix("s")}
    scope = "Namespaced" if kind.namespaced else "Cluster"
    spec = {"group": kind.group, "scope": scope, "names": names, "versions": served}
    return manifest(CRD, str(kind), spec=spec)


async def uninstall(pair: Pair, name: str) -> None:
    await pair.managed.delete(CRD, name)

    async def is_gone() -> bool:
        return await pair.managed.find(CRD, name) is None

    await eventually(is_gone, what=f"{name} is gone")


async def is_missing(pair: Pair, name: str, *words: str) -> None:
    """Waits until the work's first manifest is not applied for a reason in these words."""

    async def probe() -> bool:
        text = await works.condition(pair, name, "Applied", "False", ordinal=0)
        assert all(word in text for word in words), text
        return True

    await eventually(probe, what=f"{name} lacks {words}")


@pytest.mark.usefixtures("patient", "agent")
async def test_a_kind_that_comes_later_is_applied_and_watched(pair: Pair, namespace: str, kind: Kind) -> None:
    await works.create(pair, namespace, manifest(kind, "x", namespace, spec={"a": 1}))
    await is_missing(pair, namespace, f'no matches for kind "Widget" in version "{kind.api_version}"')
    await pair.managed.create(CRD, definition(kind))
    await works.there(pair, kind, "x", namespace, spec={"a": 1})
    await works.condition(pair, namespace, "Applied", "True")
    await pair.managed.patch(kind, "x", merge_patch({"spec": {"a": 2}}), namespace=namespace)
    await works.there(pair, kind, "x", namespace, spec={"a": 1})
    await works.delete(pair, namespace)


@pytest.mark.usefixtures("patient", "agent")
async def test_a_work_may_bring_a_kind_and_an_object_of_it(pair: Pair, namespace: str, kind: Kind) -> None:
    await works.create(pair, namespace, manifest(kind, "x", namespace, spec={"a": 1}), definition(kind))
    await works.there(pair, kind, "x", namespace, spec={"a": 1})
    await works.condition(pair, namespace, "Applied", "True")
    await works.delete(pair, namespace)


@pytest.mark.usefixtures("patient", "agent")
async def test_a_namespace_that_comes_later_is_used(pair: Pair, namespace: str) -> None:
    late = f"{namespace}-late"
    await works.create(pair, namespace, config_map("c", late, a="1"))
    await is_missing(pair, namespace, f'namespaces "{late}" not found: create it on the cluster')
    await pair.managed.create(NAMESPACE, manifest(NAMESPACE, late))
    await works.there(pair, CONFIG_MAP, "c", late, data={"a": "1"})
    await works.condition(pair, namespace, "Applied", "True")


@pytest.mark.usefixtures("patient", "agent")
async def test_a_namespace_that_goes_and_comes_again_is_filled_again(pair: Pair, namespace: str) -> None:
    late = f"{namespace}-late"
    await pair.managed.create(NAMESPACE, manifest(NAMESPACE, late))
    await works.create(pair, namespace, config_map("c", late, a="1"))
    await works.there(pair, CONFIG_MAP, "c", late)
    await pair.managed.delete(NAMESPACE, late)
    await works.not_there(pair, NAMESPACE, late)
    await is_missing(pair, namespace, late)
    await pair.managed.create(NAMESPACE, manifest(NAMESPACE, late))
    await works.there(pair, CONFIG_MAP, "c", late, data={"a": "1"})
    await works.condition(pair, namespace, "Applied", "True")


@pytest.mark.usefixtures("patient")
async def test_only_works_that_lacked_it_are_looked_at_again(pair: Pair, namespace: str, kind: Kind) -> None:
    wrote: list[str] = []

    async def note(method: str, path: str) -> None:
        wrote.append(path)

    first, second, third = (f"{namespace}-{number}" for number in (1, 2, 3))
    other = Kind(f"other.{kind.group}", "v1", "Widget", "widgets")
    async with running(pair, client=gated(note)):
        for late in (first, second):
            await works.create(pair, late, config_map("c", late))
            await is_missing(pair, late, late)
        await works.create(pair, third, manifest(other, "x", namespace))
        await is_missing(pair, third, "no matches")
        wrote.clear()
        await pair.managed.create(NAMESPACE, manifest(NAMESPACE, first))
        await pair.managed.create(CRD, definition(kind))
        await works.condition(pair, first, "Applied", "True")
        await works.recorded(pair, first, await works.there(pair, CONFIG_MAP, "c", first))
        assert [path for path in wrote if path == CONFIG_MAP.path(first)]
        assert not [path for path in wrote if second in path or third in path]
        for name in (first, second, third):
            await works.delete(pair, name)


@pytest.mark.usefixtures("patient", "agent")
async def test_a_kind_that_goes_is_said_and_one_that_comes_again_otherwise_is_used(
    pair: Pair, namespace: str, kind: Kind
) -> None:
    """The same kind with another scope and another plural: nothing that was known of it holds."""
    await pair.managed.create(CRD, definition(kind))
    await works.create(pair, namespace, manifest(kind, "x", namespace, spec={"a": 1}))
    await works.there(pair, kind, "x", namespace)
    await works.condition(pair, namespace, "Applied", "True")
    await uninstall(pair, str(kind))
    await is_missing(pair, namespace, "no matches for kind")
    other = kind._replace(plural="widgetries", namespaced=False)
    await pair.managed.create(CRD, definition(other))
    await works.there(pair, other, "x", spec={"a": 1})
    await works.condition(pair, namespace, "Applied", "True")
    await pair.managed.patch(other, "x", merge_patch({"spec": {"a": 2}}))
    await works.there(pair, other, "x", spec={"a": 1})
    await works.delete(pair, namespace)
    await works.not_there(pair, other, "x", within=0)


@pytest.mark.usefixtures("patient", "agent")
async def test_a_version_that_is_served_no_longer_is_said(pair: Pair, namespace: str, kind: Kind) -> None:
    """Nothing happens to the object itself."""
    await pair.managed.create(CRD, definition(kind, "v2", "v1"))
    await works.create(pair, namespace, manifest(kind, "x", namespace, spec={"a": 1}))
    await works.there(pair, kind, "x", namespace)
    await works.condition(pair, namespace, "Applied", "True")
    body = definition(kind, "v2", "v1")
    body["spec"]["versions"][1]["served"] = False
    await pair.managed.patch(CRD, str(kind), merge_patch({"spec": body["spec"]}))
    await is_missing(pair, namespace, "no matches for kind")
    body["spec"]["versions"][1]["served"] = True
    await pair.managed.patch(CRD, str(kind), merge_patch({"spec": body["spec"]}))
    await works.there(pair, kind, "x", namespace, spec={"a": 1})
    await works.condition(pair, namespace, "Applied", "True")
    await works.delete(pair, namespace)


async def test_a_complete_work_keeps_what_was_said_of_a_kind_that_is_gone(
    pair: Pair, namespace: str, kind: Kind
) -> None:
    rule = {"type": "CEL", "condition": "Complete", "celExpressions": ["object.spec.a == 1"]}
    said = works.option(kind, "x", namespace, conditionRules=[rule], feedbackRules=works.values(a=".spec.a"))
    body = manifest(kind, "x", namespace, spec={"a": 1})
    await pair.managed.create(CRD, definition(kind))
    async with running(pair):
        await works.create(pair, namespace, body, manifestConfigs=[said])
        await works.condition(pair, namespace, "Complete", "True")
    await uninstall(pair, str(kind))
    async with running(pair):
        text = await works.condition(pair, namespace, "Available", "Unknown", ordinal=0)
        assert "no matches for kind" in text
        await works.feedback(pair, namespace, {"a": 1})
        for kind_of in ("Applied", "Complete"):
            await works.condition(pair, namespace, kind_of, "True")


async def test_a_server_that_does_not_know_a_kind_for_a_moment_costs_no_object(
    pair: Pair, namespace: str, kind: Kind
) -> None:
    """One of several API servers that has just started, for one."""

    class Forgetful(Client):
        async def request(self, method: str, path: str, **more: Any) -> bytes:
            if path == f"/apis/{kind.group}/v1":
                raise NotFound("404 page not found", status=404)
            return await super().request(method, path, **more)

    await pair.managed.create(CRD, definition(kind))
    async with running(pair):
        await works.create(pair, namespace, manifest(kind, "x", namespace), config_map("c", namespace))
        before = await works.there(pair, kind, "x", namespace)
        await works.condition(pair, namespace, "Applied", "True")
    async with running(pair, client=Forgetful):
        await is_missing(pair, namespace, "no matches for kind")
        await works.change(pair, namespace, manifest(kind, "x", namespace))
        await works.not_there(pair, CONFIG_MAP, "c", namespace)
        await works.recorded(pair, namespace, before)
    async with running(pair):
        await works.condition(pair, namespace, "Applied", "True")
        after = await works.there(pair, kind, "x", namespace)
        assert after.metadata.uid == before.metadata.uid
        await works.delete(pair, namespace)


async def test_an_agent_that_may_watch_neither_finds_them_by_trying(
    pair: Pair, namespace: str, kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "_REAPPLY", Backoff(base=0.1, cap=0.5))
    rules = [
        rule("", "nodes", "get", "list", "watch"),
        rule("", "configmaps", "*"),
        rule(kind.group, "*", "*"),
        rule(CLUSTER_GROUP, "*", "*"),
        rule(WORK_GROUP, "*", "*"),
    ]
    blind = await kubeconfig_of(pair, f"blind-{namespace}", rules, tmp_path)
    late = f"{namespace}-late"
    # Cut off in the end: it may not read either what works of other tests have left, and would wait for that.
    async with started(pair, managed=blind) as agent:
        assert all(agent.manager.readiness().values())
        await works.create(
            pair, namespace, manifest(kind, "x", namespace, spec={"a": 1}), config_map("c", late)
        )
        await is_missing(pair, namespace, "no matches for kind")
        await pair.managed.create(NAMESPACE, manifest(NAMESPACE, late))
        await pair.managed.create(CRD, definition(kind))
        await works.there(pair, CONFIG_MAP, "c", late)
        await works.there(pair, kind, "x", namespace, spec={"a": 1})
        await works.condition(pair, namespace, "Applied", "True")
        other = kind._replace(namespaced=False)
        await uninstall(pair, str(kind))
        await is_missing(pair, namespace, "no matches for kind")
        await pair.managed.create(CRD, definition(other))
        await works.there(pair, other, "x", spec={"a": 1})
        await works.delete(pair, namespace)


@pytest.mark.usefixtures("patient")
async def test_what_the_agent_may_not_watch_is_applied_as_soon_as_it_may(
    pair: Pair, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        managed, "_SYNC_DEADLINE", 3600.0
    )  # a refusal is an answer: there is nothing to wait for
    account = f"blind-{namespace}"
    rules = [
        rule("", "nodes", "get", "list", "watch"),
        rule("", "configmaps", "*"),
        rule(CLUSTER_GROUP, "*", "*"),
        rule(WORK_GROUP, "*", "*"),
    ]
    blind = await kubeconfig_of(pair, account, rules, tmp_path)
    async with started(pair, managed=blind):
        secret = manifest(SECRET, "s", namespace, stringData={"a": "1"})
        await works.create(pair, namespace, secret, config_map("c", namespace))
        await is_missing(pair, namespace, "cannot list and watch secrets", 'cannot list resource "secrets"')
        await works.condition(pair, namespace, "Applied", "True", ordinal=1)
        await pair.managed.patch(
            CLUSTER_ROLE, account, merge_patch({"rules": [*rules, rule("", "secrets", "*")]})
        )
        await works.there(pair, SECRET, "s", namespace)
        await works.condition(pair, namespace, "Applied", "True")
        await works.delete(pair, namespace)
