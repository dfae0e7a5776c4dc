"""Copies of a finished Workflow's objects: names and uids replaced wherever they stand, each copy with its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

import msgspec
import pytest

from hack.bench.clones import Remains, copies, renamed, repeat
from hack.bench.etcd import Etcd

WORKFLOW, WORK, COPY = "aaaaa111-0000-0000-0000", "ccccc333-0000-0000-0000", "ddddd444-0000-0000-0000"
REMAINS = Remains(
    "model-0",
    [WORKFLOW, WORK, COPY],
    owners=[
        ("/hub/argoproj.io/workflows/argo/model-0", f'{{"name":"model-0","uid":"{WORKFLOW}"}}'.encode()),
        (
            "/hub/work.open-cluster-management.io/manifestworks/cluster1/model-0-aaaaa",
            f'{{"name":"model-0-aaaaa","uid":"{WORK}","of":"{WORKFLOW}","pods":["model-0-1000"]}}'.encode(),
        ),
    ],
    owned=[
        (
            "/cluster1/argoproj.io/workflows/argo/model-0",
            f'{{"name":"model-0","uid":"{COPY}","owner":"{WORK}"}}'.encode(),
        ),
    ],
)


def made(name: str) -> list[tuple[str, bytes]]:
    """All of one copy, owners and owned asked for by themselves, as they are written."""
    return [*copies(REMAINS, REMAINS.owners, name), *copies(REMAINS, REMAINS.owned, name)]


class Store:
    """Notes in which order keys are written, and when others are given time to take note."""

    def __init__(self) -> None:
        self.written: list[str] = []

    async def put(self, values: Iterable[tuple[str, bytes]]) -> None:
        self.written += [key.rpartition("/")[0] for key, _ in values]

    async def settle(self) -> None:
        self.written.append("")


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("a-1 a-1-x a", {"a-1-x": "b-2-y", "a-1": "b-2"}, "b-2 b-2-y a"),
        # What was put in is not looked at again.
        ("a b", {"a": "b", "b": "c"}, "b c"),
        ("1.2 1x2", {"1.2": "3"}, "3 1x2"),
    ],
)
def test_renamed(text: str, words: dict[str, str], expected: str) -> None:
    assert renamed(text, words) == expected


def test_a_copy_names_itself_and_the_others_of_its_own() -> None:
    found = dict(made("model-7"))
    workflow, work, copy = (msgspec.json.decode(value) for value in found.values())
    assert workflow["name"] == copy["name"] == "model-7"
    assert work["name"] == f"model-7-{workflow['uid'][:5]}"
    assert (work["of"], copy["owner"]) == (workflow["uid"], work["uid"])
    assert work["pods"] == ["model-7-1000"]
    assert list(found) == [
        "/hub/argoproj.io/workflows/argo/model-7",
        f"/hub/work.open-cluster-management.io/manifestworks/cluster1/{work['name']}",
        "/cluster1/argoproj.io/workflows/argo/model-7",
    ]


def test_no_two_objects_share_a_uid() -> None:
    values = [value.decode() for name in ("model-1", "model-2") for _, value in made(name)]
    uids = [re.search('"uid":"([^"]+)"', value) for value in values]
    assert len({found[1] for found in uids if found} | {WORKFLOW, WORK, COPY}) == 9


async def test_owners_are_known_to_all_before_what_they_own() -> None:
    store = Store()
    await repeat(cast("Etcd", store), REMAINS, ["model-1", "model-2"], store.settle)
    owners = [
        "/hub/argoproj.io/workflows/argo",
        "/hub/work.open-cluster-management.io/manifestworks/cluster1",
    ]
    assert store.written == [*owners, *owners, "", *["/cluster1/argoproj.io/workflows/argo"] * 2, ""]
