"""An informer on a real server, in good times: what its store holds and what its handlers are told."""

from __future__ import annotations

import msgspec
import pytest

from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from controllers.runtime.scope import Interest, Scope
from tests.eventually import eventually
from tests.integration.bodies import CONFIG_MAP, config_map, workflow
from tests.integration.runtime.informing import config_maps, informing


def labelled(name: str, **data: str) -> dict[str, object]:
    return config_map(name, labels={"test": "yes"}, **data)


async def test_what_was_there_comes_first_and_then_each_change_in_order(
    client: Client, namespace: str
) -> None:
    await client.create(CONFIG_MAP, labelled("a"), namespace=namespace)
    async with informing(client, config_maps(namespace)) as witness:
        assert witness.names() == ["a"]
        await client.create(CONFIG_MAP, labelled("b"), namespace=namespace)
        for number in range(5):
            patch = merge_patch({"data": {"number": str(number)}})
            await client.patch(CONFIG_MAP, "a", patch, namespace=namespace)
        await client.delete(CONFIG_MAP, "b", namespace=namespace)
        await client.create(CONFIG_MAP, labelled("b"), namespace=namespace)
        await eventually(lambda: len(witness.told) == 9)
        assert witness.of("a") == ["added"] + ["changed"] * 5
        assert witness.of("b") == ["added", "removed", "added"]
        versions = [int(version) for _, _, version in witness.told]
        assert versions == sorted(versions)
        held = witness.informer.store.get(namespace, "a")
        assert held is not None
        assert held.to_dict()["data"] == {"number": "4"}


async def test_an_object_that_leaves_the_selection_is_removed_and_comes_back(
    client: Client, namespace: str
) -> None:
    async with informing(client, config_maps(namespace)) as witness:
        await client.create(CONFIG_MAP, labelled("a"), namespace=namespace)
        await client.create(CONFIG_MAP, config_map("unlabelled"), namespace=namespace)
        for label in (None, "yes"):
            patch = merge_patch({"metadata": {"labels": {"test": label}}})
            await client.patch(CONFIG_MAP, "a", patch, namespace=namespace)
        await eventually(lambda: len(witness.told) == 3)
        assert witness.of("a") == ["added", "removed", "added"]
        assert witness.names() == ["a"]


async def test_a_handler_that_comes_late_is_told_of_all_that_is_there(client: Client, namespace: str) -> None:
    for name in ("a", "b"):
        await client.create(CONFIG_MAP, labelled(name), namespace=namespace)
    async with informing(client, config_maps(namespace)) as witness:
        told: list[str] = []
        witness.informer.add_handler(lambda change: told.append(change.object.metadata.name))
        assert sorted(told) == ["a", "b"]


@pytest.mark.parametrize("size", [10, 1_400_000])
async def test_an_event_of_any_size_passes(client: Client, namespace: str, size: int) -> None:
    async with informing(client, Scope(WORKFLOW, namespace=namespace)) as witness:
        await client.create(WORKFLOW, workflow("big", spec={"x": "x" * size}), namespace=namespace)
        await client.create(WORKFLOW, workflow("next"), namespace=namespace)
        await eventually(lambda: witness.names() == ["big", "next"])
        held = witness.informer.store.get(namespace, "big")
        assert held is not None
        assert len(held.to_dict()["spec"]["x"]) == size


async def test_a_hundred_objects_at_once_are_told_of_once_each(client: Client, namespace: str) -> None:
    async with informing(client, config_maps(namespace)) as witness:
        names = [f"n{number:03}" for number in range(100)]
        for name in names:
            await client.create(CONFIG_MAP, labelled(name), namespace=namespace)
        await eventually(lambda: len(witness.told) >= 100)
        assert [name for _, name, _ in witness.told] == names
        assert witness.names() == names


def as_labelled(item: Object) -> Interest:
    return Interest[item.metadata.labels["test"]]


@pytest.mark.parametrize("count", [3, 40])
async def test_of_what_is_wanted_only_in_part_the_rest_is_not_even_read(
    client: Client, namespace: str, count: int
) -> None:
    """A few that are wanted in full are read one by one, many with their page."""
    for number in range(count):
        for much in Interest:
            body = config_map(f"{much.name.lower()}-{number:02}", labels={"test": much.name}, text="x" * 10)
            await client.create(CONFIG_MAP, body, namespace=namespace)
    async with informing(client, config_maps(namespace), interest=as_labelled) as witness:
        store = witness.informer.store
        assert witness.names() == [f"full-{number:02}" for number in range(count)]
        assert all(item.to_dict()["data"] == {"text": "x" * 10} for item in store.all())
        assert sorted(store.settled()) == [(namespace, f"uid-{number:02}") for number in range(count)]
        await client.patch(CONFIG_MAP, "full-00", merge_patch({"data": {"text": "new"}}), namespace=namespace)
        await eventually(lambda: witness.of("full-00") == ["added", "changed"])


async def test_a_store_holds_no_more_than_what_shall_be_kept(client: Client, namespace: str) -> None:
    def bare(item: Object) -> Object:
        kept = {"name": item.metadata.name, "namespace": item.metadata.namespace, "uid": item.metadata.uid}
        kept["resourceVersion"] = item.metadata.resource_version
        return Object(msgspec.json.encode({"metadata": kept}))

    await client.create(CONFIG_MAP, labelled("a", text="x"), namespace=namespace)
    async with informing(client, config_maps(namespace), keep=bare) as witness:
        await client.create(CONFIG_MAP, labelled("b", text="x"), namespace=namespace)
        await client.patch(CONFIG_MAP, "a", merge_patch({"data": {"text": "y"}}), namespace=namespace)
        await client.delete(CONFIG_MAP, "b", namespace=namespace)
        await eventually(lambda: len(witness.told) == 4)
        assert witness.of("a") == ["added", "changed"]
        assert witness.of("b") == ["added", "removed"]
        assert [item.to_dict().keys() for item in witness.informer.store.all()] == [{"metadata"}]


async def test_a_list_of_metadata_has_nothing_else(client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAP, labelled("a", text="x" * 1000), namespace=namespace)
    page = await client.page(CONFIG_MAP, namespace=namespace, label_selector="test", metadata_only=True)
    (item,) = page.objects
    assert item.to_dict().keys() <= {"apiVersion", "kind", "metadata"}
    assert (item.metadata.name, item.metadata.labels) == ("a", {"test": "yes"})
    again = await client.page(CONFIG_MAP, namespace=namespace, label_selector="test", version=page.version)
    assert [one.to_dict()["data"] for one in again.objects] == [{"text": "x" * 1000}]
