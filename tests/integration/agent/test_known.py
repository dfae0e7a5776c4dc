"""What a watch has shown of an object may be out of date when the agent applies it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from agent.decide.config import Options
from agent.decide.manifest import Identity
from agent.work.apply import Applier, is_owned
from controllers.api.kinds import APPLIED_MANIFEST_WORK
from controllers.api.manifestconfig import UpdateStrategy
from controllers.kube.client import Client
from controllers.kube.errors import Conflict
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from tests.integration.agent.conftest import Pair
from tests.integration.agent.works import CONFIG_MAP, Json, config_map, manifest

UPDATE, CREATE_ONLY = (Options(UpdateStrategy(type=name)) for name in ("Update", "CreateOnly"))


@pytest.fixture
async def applied(pair: Pair, namespace: str) -> AsyncIterator[Object]:
    spec = {"hubHash": "nobody's", "agentID": "nobody's", "manifestWorkName": namespace}
    made = await pair.managed.create(
        APPLIED_MANIFEST_WORK, manifest(APPLIED_MANIFEST_WORK, namespace, spec=spec)
    )
    yield made
    await pair.managed.delete(APPLIED_MANIFEST_WORK, namespace)


@pytest.fixture
async def client(pair: Pair) -> AsyncIterator[tuple[Client, Counter[str]]]:
    """One of its own, and how often it has asked for what."""
    asked: Counter[str] = Counter()
    connected = await Client.connect(pair.agent_managed)
    connected.on_request = lambda method, _: asked.update([method])
    yield connected, asked
    await connected.close()


async def bring(
    client: Client, body: Json, options: Options, applied: Object, known: Object | None
) -> Object:
    identity = Identity("", "v1", "ConfigMap", body["metadata"]["namespace"], body["metadata"]["name"])
    return await Applier(client).apply(CONFIG_MAP, identity, body, options, applied, known)


async def test_an_object_that_is_known_to_be_right_costs_no_request(
    client: tuple[Client, Counter[str]], applied: Object, namespace: str
) -> None:
    own, asked = client
    body = config_map("c", namespace, a="1")
    made = await bring(own, body, UPDATE, applied, None)
    asked.clear()
    assert await bring(own, body, UPDATE, applied, made) == made
    assert not asked
    changed = await bring(own, config_map("c", namespace, a="2"), UPDATE, applied, made)
    assert (changed.to_dict()["data"], asked) == ({"a": "2"}, {"PATCH": 1})


@pytest.mark.parametrize("options", [UPDATE, CREATE_ONLY])
async def test_an_object_that_has_gone_since_is_made_anew(
    client: tuple[Client, Counter[str]], applied: Object, namespace: str, options: Options
) -> None:
    own, _ = client
    theirs = await own.create(CONFIG_MAP, config_map("c", namespace, a="1"), namespace=namespace)
    await own.delete(CONFIG_MAP, "c", namespace=namespace)
    made = await bring(own, config_map("c", namespace, a="2"), options, applied, theirs)
    assert made.metadata.uid != theirs.metadata.uid
    assert (made.to_dict()["data"], is_owned(made, applied)) == ({"a": "2"}, True)


async def test_an_object_that_has_changed_since_is_not_written_over(
    client: tuple[Client, Counter[str]], applied: Object, namespace: str
) -> None:
    own, _ = client
    made = await bring(own, config_map("c", namespace, a="1"), UPDATE, applied, None)
    await own.patch(CONFIG_MAP, "c", merge_patch({"data": {"b": "3"}}), namespace=namespace)
    with pytest.raises(Conflict):
        await bring(own, config_map("c", namespace, a="2"), UPDATE, applied, made)
    found = await bring(own, config_map("c", namespace, a="2"), UPDATE, applied, None)
    assert found.to_dict()["data"] == {"a": "2", "b": "3"}
