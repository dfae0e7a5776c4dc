"""Fields of a server-side apply that others on the cluster decide."""

from __future__ import annotations

import pytest

from controllers.kube.patch import merge_patch
from tests.integration.agent import works
from tests.integration.agent.conftest import Agent, Pair, running
from tests.integration.agent.works import CONFIG_MAP, Json, config_map, option


def ignoring(namespace: str, condition: str, *paths: str) -> Json:
    config = {"force": True, "ignoreFields": [{"condition": condition, "jsonPaths": list(paths)}]}
    return option(
        CONFIG_MAP, "c", namespace, updateStrategy={"type": "ServerSideApply", "serverSideApply": config}
    )


async def somebody_sets(pair: Pair, namespace: str, **data: str) -> None:
    await pair.managed.patch(CONFIG_MAP, "c", merge_patch({"data": data}), namespace=namespace)


@pytest.mark.parametrize(
    ("condition", "changed"), [("OnSpokePresent", "theirs"), ("OnSpokeChange", "ours again")]
)
async def test_what_others_set_stays_until_the_manifest_changes(
    pair: Pair, agent: Agent, namespace: str, condition: str, changed: str
) -> None:
    configs = [ignoring(namespace, condition, ".data.size")]
    first = config_map("c", namespace, size="ours", image="a")
    await works.create(pair, namespace, first, manifestConfigs=configs)
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"size": "ours", "image": "a"})
    await works.condition(pair, namespace, "Applied", "True")
    await somebody_sets(pair, namespace, size="theirs", image="drifted")
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"size": "theirs", "image": "a"})
    await works.change(pair, namespace, config_map("c", namespace, size="ours again", image="b"))
    await works.there(pair, CONFIG_MAP, "c", namespace, data={"size": changed, "image": "b"})


async def test_an_agent_that_starts_again_leaves_it_alone(pair: Pair, namespace: str) -> None:
    configs = [ignoring(namespace, "OnSpokeChange", ".data.size")]
    async with running(pair):
        await works.create(
            pair, namespace, config_map("c", namespace, size="ours", image="a"), manifestConfigs=configs
        )
        await works.condition(pair, namespace, "Applied", "True")
    await somebody_sets(pair, namespace, size="theirs")
    async with running(pair):
        await somebody_sets(pair, namespace, image="drifted")
        await works.there(pair, CONFIG_MAP, "c", namespace, data={"size": "theirs", "image": "a"})
