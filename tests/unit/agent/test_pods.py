"""How much of a pod the agent keeps."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.decide.capacity import Amounts, Claimed
from agent.pods import only_claimed, takes_otherwise
from controllers.kube.object import Object
from controllers.runtime.cache import Change


def pod(version: str = "7", **spec: Any) -> Object:
    metadata = {
        "name": "p",
        "namespace": "n",
        "uid": "u",
        "resourceVersion": version,
        "labels": {"long": "x" * 60},
    }
    return Object(msgspec.json.encode({"metadata": metadata, "spec": spec, "status": {"text": "x" * 5000}}))


def asking(cpu: Any, **spec: Any) -> Object:
    return pod(containers=[{"name": "c", "resources": {"requests": {"cpu": cpu}}}], **spec)


def test_what_is_kept_is_the_same_pod_and_small() -> None:
    whole = asking("1", nodeName="a")
    kept = only_claimed(whole)
    assert kept.key == whole.key
    assert (kept.metadata.uid, kept.metadata.resource_version) == ("u", "7")
    assert kept.decode(Claimed) == Claimed("a", Amounts(1000, 0, 1))
    assert len(kept.raw) < 200


def test_a_pod_that_cannot_be_read_is_a_pod_all_the_same() -> None:
    assert only_claimed(asking({"much": True})).decode(Claimed) == Claimed("", Amounts(0, 0, 1))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, asking("1"), True),
        (asking("1"), None, True),
        (asking("1"), asking("1"), False),
        (asking("1"), asking("2"), True),
        (asking("1"), asking("1", nodeName="a"), True),
        (pod("7"), pod("8"), False),
    ],
)
def test_only_what_a_pod_takes_is_of_interest(
    old: Object | None, new: Object | None, *, expected: bool
) -> None:
    kept = [None if item is None else only_claimed(item) for item in (old, new)]
    assert takes_otherwise(Change(*kept)) is expected
