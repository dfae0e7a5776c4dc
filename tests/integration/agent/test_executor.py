"""A work that names an executor brings only what that account could bring itself."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.kinds import ROLE, ROLE_BINDING, SERVICE_ACCOUNT, WORKFLOW
from controllers.kube.patch import merge_patch
from tests.integration.agent import works
from tests.integration.agent.conftest import Pair
from tests.integration.agent.works import CONFIG_MAP, Json, config_map, manifest

pytestmark = pytest.mark.usefixtures("agent")

ALL = ["create", "update", "patch", "get", "delete"]


def executor(namespace: str, name: str = "deployer") -> Json:
    account = {"namespace": namespace, "name": name}
    return {"subject": {"type": "ServiceAccount", "serviceAccount": account}}


def rule(group: str, resource: str, verbs: list[str], **more: Any) -> Json:
    return {"apiGroups": [group], "resources": [resource], "verbs": verbs, **more}


async def allow(pair: Pair, namespace: str, *rules: Json) -> None:
    """The account `deployer` may do this in its namespace."""
    await pair.managed.create(
        SERVICE_ACCOUNT, manifest(SERVICE_ACCOUNT, "deployer", namespace), namespace=namespace
    )
    role = manifest(ROLE, "deployer", namespace, rules=list(rules))
    await pair.managed.create(ROLE, role, namespace=namespace)
    subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": namespace}
    reference = {"apiGroup": ROLE.group, "kind": "Role", "name": "deployer"}
    binding = manifest(ROLE_BINDING, "deployer", namespace, subjects=[subject], roleRef=reference)
    await pair.managed.create(ROLE_BINDING, binding, namespace=namespace)


async def test_what_the_account_may_not_is_refused_and_the_rest_applied(pair: Pair, namespace: str) -> None:
    await allow(
        pair,
        namespace,
        rule("", "configmaps", ALL, resourceNames=["mine"]),
        rule("", "configmaps", ["create"]),
    )
    mine, other = config_map("mine", namespace, a="1"), config_map("other", namespace, a="1")
    await works.create(pair, namespace, other, mine, executor=executor(namespace))
    await works.there(pair, CONFIG_MAP, "mine", namespace, data={"a": "1"})
    assert (
        "Failed to apply manifest: not allowed to apply the resource  configmaps, "
        in await works.condition(pair, namespace, "Applied", "False", ordinal=0)
    )
    await works.condition(pair, namespace, "Applied", "True", ordinal=1)
    assert await works.find(pair, CONFIG_MAP, "other", namespace) is None


async def test_rights_that_come_later_are_found(pair: Pair, namespace: str) -> None:
    await works.create(pair, namespace, config_map("c", namespace, a="1"), executor=executor(namespace))
    await works.condition(pair, namespace, "Applied", "False", ordinal=0)
    await allow(pair, namespace, rule("", "configmaps", ALL))
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "1"})
    await works.condition(pair, namespace, "Applied", "True")


async def test_an_orphan_need_not_be_deleted_by_the_account(pair: Pair, namespace: str) -> None:
    await allow(pair, namespace, rule("", "configmaps", ALL[:-1]))
    body = config_map("c", namespace, a="1")
    await works.create(pair, namespace, body, executor=executor(namespace))
    await works.condition(pair, namespace, "Applied", "False", ordinal=0)
    patch = merge_patch({"spec": {"deleteOption": {"propagationPolicy": "Orphan"}}})
    await works.patch(pair, namespace, patch)
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "1"})


async def test_nobody_grants_what_they_have_not(pair: Pair, namespace: str) -> None:
    await allow(pair, namespace, rule(ROLE.group, "roles", ALL), rule("", "configmaps", ["get"]))
    small = manifest(ROLE, "small", namespace, rules=[rule("", "configmaps", ["get"])])
    large = manifest(ROLE, "large", namespace, rules=[rule("", "secrets", ["get"])])
    await works.create(pair, namespace, small, large, executor=executor(namespace))
    await works.there(pair, ROLE, "small", namespace)
    assert "error: permission escalation" in await works.condition(
        pair, namespace, "Applied", "False", ordinal=1
    )
    assert await works.find(pair, ROLE, "large", namespace) is None


async def test_a_workflow_of_somebody_who_may_not_run_any_is_not_run(pair: Pair, namespace: str) -> None:
    await works.create(pair, namespace, works.workflow("w", namespace), executor=executor(namespace))
    assert "not allowed to apply the resource argoproj.io workflows" in await works.condition(
        pair, namespace, "Applied", "False", ordinal=0
    )
    assert await works.find(pair, WORKFLOW, "w", namespace) is None
    await allow(pair, namespace, rule(WORKFLOW.group, "workflows", ALL))
    await works.there(pair, WORKFLOW, "w", namespace)
