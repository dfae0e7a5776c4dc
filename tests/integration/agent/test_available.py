"""Condition Available of a manifest: whether its object exists, whether or not it could be applied."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent.decide.manifest import size_of
from controllers.api.kinds import CLUSTER_GROUP, ROLE, SECRET, WORK_GROUP, WORKFLOW, Kind
from tests.integration.agent import works
from tests.integration.agent.accounts import kubeconfig_of, rule
from tests.integration.agent.conftest import Agent, Pair, running
from tests.integration.agent.works import CONFIG_MAP, Json, config_map, manifest, option, strategy, workflow

AVAILABLE = "ResourceAvailable: Resource is available"
MISSING = "ResourceNotAvailable: Resource is not available"


async def available(pair: Pair, name: str, ordinal: int) -> str:
    """What is said of a manifest that could not be applied, in one status with that."""
    await works.condition(pair, name, "Applied", "False", ordinal=ordinal)
    found = works.at(await works.read(pair, name), ordinal)
    (said,) = [item for item in found.conditions if item.type == "Available"]
    assert found.status_feedback.values == [], "of what may be somebody else's nothing more is told"
    return f"{said.reason}: {said.message}"


def stranger(namespace: str) -> Json:
    """An executor who may do nothing."""
    account = {"namespace": namespace, "name": "nobody"}
    return {"subject": {"type": "ServiceAccount", "serviceAccount": account}}


async def test_what_an_executor_may_not_is_there_or_not(pair: Pair, agent: Agent, namespace: str) -> None:
    await pair.managed.create(CONFIG_MAP, config_map("there", namespace, key="s3cret"), namespace=namespace)
    manifests = [config_map("there", namespace, key="1"), config_map("missing", namespace)]
    reports = option(CONFIG_MAP, "*", namespace, feedbackRules=works.values(key=".data.key"))
    await works.create(pair, namespace, *manifests, executor=stranger(namespace), manifestConfigs=[reports])
    assert await available(pair, namespace, 0) == AVAILABLE
    assert await available(pair, namespace, 1) == MISSING
    await works.condition(pair, namespace, "Available", "False")
    await works.delete(pair, namespace)
    await works.there(pair, CONFIG_MAP, "there", namespace, data={"key": "s3cret"})


async def test_what_another_work_has_applied_is_told_to_nobody_else(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    body = config_map("c", namespace, key="s3cret")
    reports = option(CONFIG_MAP, "c", namespace, feedbackRules=works.values(key=".data.key"))
    await works.create(pair, namespace, body, manifestConfigs=[reports])
    await works.feedback(pair, namespace, {"key": "s3cret"})
    for name, more in {"other": {}, "orphaning": {"deleteOption": {"propagationPolicy": "Orphan"}}}.items():
        theirs = f"{namespace}-{name}"
        await works.create(
            pair, theirs, body, executor=stranger(namespace), manifestConfigs=[reports], **more
        )
        assert await available(pair, theirs, 0) == AVAILABLE
        trace = await works.trace(pair, theirs)
        assert trace is not None
        assert trace.status.applied_resources == []
        await works.delete(pair, theirs)
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"key": "s3cret"})
    await works.delete(pair, namespace)


async def test_what_is_refused_before_it_is_applied_is_there_or_not(pair: Pair, namespace: str) -> None:
    await pair.managed.create(CONFIG_MAP, config_map("big", namespace), namespace=namespace)
    small = config_map("small", namespace)
    limit = size_of(msgspec.json.encode(small)) + 20
    async with running(pair, f"--max-manifests-bytes={limit}"):
        big = config_map("big", namespace, text="x" * limit)
        bigger = config_map("bigger", namespace, text="x" * limit)
        await works.create(pair, namespace, small, small, big, bigger)
        assert await available(pair, namespace, 1) == AVAILABLE, "the first of the two has been applied"
        assert await available(pair, namespace, 2) == AVAILABLE
        assert await available(pair, namespace, 3) == MISSING
        await works.delete(pair, namespace)


async def test_what_others_own_is_there(pair: Pair, agent: Agent, namespace: str) -> None:
    await pair.managed.create(CONFIG_MAP, config_map("c", namespace, a="theirs"), namespace=namespace)
    config = option(CONFIG_MAP, "c", namespace, updateStrategy=strategy("ServerSideApply"))
    await works.create(pair, namespace, config_map("c", namespace, a="ours"), manifestConfigs=[config])
    assert await available(pair, namespace, 0) == AVAILABLE
    await works.condition(pair, namespace, "Available", "True")
    await works.delete(pair, namespace)
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "theirs"})


async def test_another_workflow_of_its_name_is_not_the_one_that_was_to_run(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    theirs = workflow("w", namespace)
    theirs["metadata"]["annotations"] = {"workflows.argoproj.io/ocm-hub-workflow-uid": "another"}
    await pair.managed.create(WORKFLOW, theirs, namespace=namespace)
    ours = workflow("w", namespace)
    ours["metadata"]["annotations"] = {"workflows.argoproj.io/ocm-hub-workflow-uid": "this"}
    rules = option(WORKFLOW, "w", namespace, feedbackRules=works.values(name=".metadata.name"))
    await works.create(pair, namespace, ours, manifestConfigs=[rules])
    assert await available(pair, namespace, 0) == MISSING
    await works.delete(pair, namespace)
    await works.there(pair, WORKFLOW, "w", namespace)


async def test_where_the_agent_may_not_look_it_is_unknown_and_the_reason_is_said(
    pair: Pair, namespace: str, tmp_path: Path
) -> None:
    objects: dict[Kind, Json] = {
        SECRET: manifest(SECRET, "s", namespace),
        ROLE: manifest(ROLE, "r", namespace, rules=[]),
    }
    for kind, body in objects.items():
        await pair.managed.create(kind, body, namespace=namespace)
    rules = [
        rule("", "nodes", "get", "list", "watch"),
        rule("", "configmaps", "*"),
        rule(ROLE.group, ROLE.plural, "get"),
        rule(CLUSTER_GROUP, "*", "*"),
        rule(WORK_GROUP, "*", "*"),
    ]
    blind = await kubeconfig_of(pair, f"blind-{namespace}", rules, tmp_path)
    async with running(pair, managed=blind, free=False):
        await works.create(pair, namespace, *objects.values(), manifest(ROLE, "missing", namespace))
        text = await available(pair, namespace, 0)
        assert text.startswith('FetchingResourceFailed: Failed to fetch resource: secrets "s" is forbidden')
        # It may be read, though not watched.
        assert await available(pair, namespace, 1) == AVAILABLE
        assert await available(pair, namespace, 2) == MISSING
        await works.delete(pair, namespace)
    for kind, body in objects.items():
        await works.there(pair, kind, body["metadata"]["name"], namespace)


@pytest.mark.parametrize("kind", [CONFIG_MAP, WORKFLOW])
async def test_what_was_applied_before_is_there_when_it_can_no_longer_be_watched(
    pair: Pair, namespace: str, tmp_path: Path, kind: Kind
) -> None:
    body = config_map("o", namespace) if kind is CONFIG_MAP else workflow("o", namespace)
    async with running(pair):
        await works.create(pair, namespace, body)
        await works.recorded(pair, namespace, await works.there(pair, kind, "o", namespace))
        await works.condition(pair, namespace, "Applied", "True")
    rules = [
        rule("", "nodes", "get", "list", "watch"),
        rule(kind.group, kind.plural, "get", "patch", "delete"),
        rule(CLUSTER_GROUP, "*", "*"),
        rule(WORK_GROUP, "*", "*"),
    ]
    blind = await kubeconfig_of(pair, f"blind-{namespace}", rules, tmp_path)
    async with running(pair, managed=blind, free=False):
        assert await available(pair, namespace, 0) == AVAILABLE
        await works.delete(pair, namespace)
