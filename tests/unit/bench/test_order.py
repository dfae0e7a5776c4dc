"""Orders: every Workflow has a name of its own, and they take turns in the namespaces."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from hack.bench.order import Order
from hack.bench.scenario import FULL, REPLICAS_NAMESPACES, Burst, Steady
from hack.bench.workload import NAMESPACE


@pytest.mark.parametrize("namespaces", [(NAMESPACE,), ("a", "b", "c"), REPLICAS_NAMESPACES])
def test_drafts(namespaces: tuple[str, ...]) -> None:
    drafts = Order("run", Burst(48), 2048, namespaces=namespaces).drafts()
    bodies = {name: msgspec.json.decode(draft.body) for name, draft in drafts.items()}
    assert len(drafts) == 48
    for name, body in bodies.items():
        assert body["metadata"]["name"] == name
        assert body["metadata"]["namespace"] == drafts[name].namespace
    assert Counter(draft.namespace for draft in drafts.values()) == dict.fromkeys(
        namespaces, 48 // len(namespaces)
    )


def test_sixteen_namespaces() -> None:
    assert len(set(REPLICAS_NAMESPACES)) == 16


@pytest.mark.parametrize("scenario", FULL, ids=lambda item: item.name)
def test_patience_is_longer_than_the_sending(scenario: object) -> None:
    order = Order.of(next(item for item in FULL if item == scenario))
    sending = order.load.seconds if isinstance(order.load, Steady) else 0
    assert order.patience > sending + 30
