"""What a ManifestWork asks for is on the managed cluster, by each update strategy, and stays so."""

from __future__ import annotations

import base64

import pytest

from controllers.api.kinds import NAMESPACE, SECRET
from controllers.kube.patch import apply_patch, merge_patch
from tests.integration.agent import works
from tests.integration.agent.conftest import Agent, Pair
from tests.integration.agent.works import CONFIG_MAP, DEPLOYMENT, config_map, manifest, option, strategy

pytestmark = pytest.mark.usefixtures("agent")


async def test_plain_objects_are_applied_with_an_owner_and_reported(pair: Pair, namespace: str) -> None:
    secret = manifest(SECRET, "s", "inner", stringData={"password": "open sesame"})
    space = f"{namespace}-inner"
    secret["metadata"]["namespace"] = space
    await works.create(
        pair,
        namespace,
        secret,
        works.deployment("d", space, replicas=2),
        config_map("c", space, key="value"),
        manifest(NAMESPACE, space),
    )
    assert await works.condition(pair, namespace, "Applied", "True") == (
        "AppliedManifestWorkComplete: Apply manifest work complete"
    )
    assert await works.condition(pair, namespace, "Available", "True") == (
        "ResourcesAvailable: All resources are available"
    )
    objects = [
        await works.there(pair, NAMESPACE, space),
        await works.there(pair, CONFIG_MAP, "c", space, data={"key": "value"}),
        await works.there(pair, SECRET, "s", space),
        await works.there(pair, DEPLOYMENT, "d", space),
    ]
    password = objects[2].to_dict()["data"]["password"]
    assert base64.b64decode(password) == b"open sesame"
    trace = await works.recorded(pair, namespace, *objects)
    assert trace.spec.manifest_work_name == namespace
    for item in objects:
        owners = [owner.uid for owner in item.metadata.owner_references]
        assert owners == [trace.metadata.uid]


# -- strategies ------------------------------------------------------------------------------------------
async def test_update_repairs_drift_and_leaves_what_it_does_not_name(pair: Pair, namespace: str) -> None:
    await works.create(pair, namespace, config_map("c", namespace, mine="1"))
    await works.there(pair, CONFIG_MAP, "c", namespace)
    patch = merge_patch({"data": {"mine": "changed", "theirs": "2"}})
    await pair.managed.patch(CONFIG_MAP, "c", patch, namespace=namespace)
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"mine": "1", "theirs": "2"})
    await works.remove(pair, CONFIG_MAP, "c", namespace)
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"mine": "1"})


async def test_update_takes_over_an_object_that_is_there_already(pair: Pair, namespace: str) -> None:
    before = await pair.managed.create(
        CONFIG_MAP, config_map("c", namespace, a="0", b="kept"), namespace=namespace
    )
    await works.create(pair, namespace, config_map("c", namespace, a="1"))
    after = await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "1", "b": "kept"})
    assert after.metadata.uid == before.metadata.uid
    await works.recorded(pair, namespace, after)


async def test_create_only_makes_it_and_never_writes_it_again(pair: Pair, namespace: str) -> None:
    only = option(CONFIG_MAP, "c", namespace, updateStrategy=strategy("CreateOnly"))
    await works.create(pair, namespace, config_map("c", namespace, a="1"), manifestConfigs=[only])
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "1"})
    await pair.managed.patch(CONFIG_MAP, "c", merge_patch({"data": {"a": "theirs"}}), namespace=namespace)
    await works.change(pair, namespace, config_map("c", namespace, a="2"))
    await works.condition(pair, namespace, "Applied", "True")
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "theirs"})


async def test_server_side_apply_leaves_other_managers_their_fields(pair: Pair, namespace: str) -> None:
    apply = option(CONFIG_MAP, "c", namespace, updateStrategy=strategy("ServerSideApply"))
    await works.create(pair, namespace, config_map("c", namespace, a="1", b="1"), manifestConfigs=[apply])
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "1", "b": "1"})
    await pair.managed.patch(CONFIG_MAP, "c", merge_patch({"data": {"theirs": "2"}}), namespace=namespace)
    await works.change(pair, namespace, config_map("c", namespace, a="2"))
    # A field that left the manifest leaves the object: what Update cannot do.
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "2", "theirs": "2"})


async def test_a_conflict_of_server_side_apply_is_told_and_force_ends_it(pair: Pair, namespace: str) -> None:
    theirs = config_map("c", namespace, a="theirs")
    patch = apply_patch(theirs, field_manager="somebody")
    await pair.managed.patch(CONFIG_MAP, "c", patch, namespace=namespace)
    apply = option(CONFIG_MAP, "c", namespace, updateStrategy=strategy("ServerSideApply"))
    mine = config_map("c", namespace, a="mine")
    await works.create(pair, namespace, mine, manifestConfigs=[apply])
    assert "somebody" in await works.condition(pair, namespace, "Applied", "False", ordinal=0)
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "theirs"})
    apply["updateStrategy"]["serverSideApply"] = {"force": True, "fieldManager": "work-agent-x"}
    await works.change(pair, namespace, mine, manifestConfigs=[apply])
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "mine"})
    await works.condition(pair, namespace, "Applied", "True")


async def test_read_only_reports_an_object_and_leaves_it_alone(pair: Pair, namespace: str) -> None:
    only = option(
        CONFIG_MAP,
        "c",
        namespace,
        updateStrategy=strategy("ReadOnly"),
        feedbackRules=works.values(a=".data.a"),
    )
    await works.create(pair, namespace, config_map("c", namespace), manifestConfigs=[only])
    await works.condition(pair, namespace, "Available", "False")
    created = await pair.managed.create(CONFIG_MAP, config_map("c", namespace, a="1"), namespace=namespace)
    await works.feedback(pair, namespace, {"a": "1"})
    await pair.managed.patch(CONFIG_MAP, "c", merge_patch({"data": {"a": "2"}}), namespace=namespace)
    await works.feedback(pair, namespace, {"a": "2"})
    assert created.metadata.owner_references == []
    await works.delete(pair, namespace)
    left = await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "2"})
    assert left.metadata.owner_references == []


async def test_an_object_of_two_works_stays_until_the_second_is_gone(pair: Pair, namespace: str) -> None:
    one, two = f"{namespace}-1", f"{namespace}-2"
    await works.create(pair, one, config_map("c", namespace, a="1"))
    await works.condition(pair, one, "Applied", "True")
    await works.create(pair, two, config_map("c", namespace, b="2"))
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "1", "b": "2"})
    await works.condition(pair, two, "Applied", "True")
    await works.delete(pair, one)
    left = await works.there(pair, CONFIG_MAP, "c", namespace)
    assert [owner.name for owner in left.metadata.owner_references] == [works.trace_name(pair, two)]
    await works.delete(pair, two)
    await works.not_there(pair, CONFIG_MAP, "c", namespace)


async def test_a_restarted_agent_writes_nothing_that_is_right_already(
    pair: Pair, agent: Agent, namespace: str
) -> None:
    await works.create(pair, namespace, config_map("c", namespace, a="1"))
    before = await works.there(pair, CONFIG_MAP, "c", namespace)
    await works.recorded(pair, namespace, before)
    assert agent.requests["managed POST"] >= 2
    after = await works.there(pair, CONFIG_MAP, "c", namespace)
    assert after.metadata.resource_version == before.metadata.resource_version
