"""What is kept of the hub between evaluations equals what would be read anew."""

from __future__ import annotations

from collections import Counter
from typing import cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from controllers.api import keys
from controllers.kube.object import Object
from controllers.runtime.informer import Informer
from placement.evaluator.hub import Selections
from tests.unit.placement.fake_informer import FakeInformer


def page(namespace: str, name: str, placement: str, clusters: list[str]) -> Object:
    body = {
        "metadata": {"name": name, "namespace": namespace, "labels": {keys.PLACEMENT_LABEL: placement}},
        "status": {"decisions": [{"clusterName": item, "reason": ""} for item in clusters]},
    }
    return Object(msgspec.json.encode(body))


steps = st.lists(
    st.tuples(
        st.sampled_from(["n", "m"]),
        st.sampled_from(["p-1", "p-2", "q-1"]),
        st.none()
        | st.tuples(st.sampled_from("pq"), st.lists(st.sampled_from("abc"), max_size=3, unique=True)),
    ),
    max_size=12,
)


@given(steps)
def test_selections_are_counted_as_pages_come_change_and_go(
    changes: list[tuple[str, str, tuple[str, list[str]] | None]],
) -> None:
    informer = FakeInformer()
    selections = Selections(cast("Informer", informer))
    pages: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for namespace, name, content in changes:
        pages.pop((namespace, name), None)
        if content is None:
            informer.put((namespace, name), None)
        else:
            pages[namespace, name] = content
            informer.put((namespace, name), page(namespace, name, *content))
    for asked in (("n", "p"), ("m", "q"), ("n", "nobody")):
        expected = Counter(
            cluster
            for (namespace, _), (placement, clusters) in pages.items()
            if (namespace, placement) != asked
            for cluster in clusters
        )
        assert selections.elsewhere(asked) == dict(expected)
