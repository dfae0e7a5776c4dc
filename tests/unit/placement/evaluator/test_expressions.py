"""CEL selectors evaluated by the worker: what is asked, what is remembered, what an attack costs others."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

import msgspec
import pytest

from controllers.api.cluster import ManagedCluster
from placement.evaluator.answers import Answers, Scores
from placement.evaluator.evaluate import Evaluation, evaluate
from placement.evaluator.expressions import Expressions
from placement.evaluator.snapshot import Snapshot
from tests.unit.expressions.attacks import doubling
from tests.unit.placement.evaluator.build import (
    NOW,
    binding,
    cel_predicate,
    cluster,
    exclusive_set,
    placement,
    scores,
)

DEAR_ON_SOME = "cel.bind(v, managedCluster.status.clusterClaims[0].value, size(v.replace('x', 'x' + v)) > 0)"


@pytest.fixture
async def expressions() -> AsyncIterator[Expressions]:
    made = Expressions.with_worker()
    yield made
    await made.evaluator.close()


def versioned(item: ManagedCluster, number: str) -> ManagedCluster:
    return msgspec.structs.replace(
        item, metadata=msgspec.structs.replace(item.metadata, uid=item.metadata.name, resource_version=number)
    )


def hub(*clusters: ManagedCluster) -> Snapshot:
    return Snapshot(clusters=clusters, cluster_sets=[exclusive_set("s")], bindings=[binding("s")], now=NOW)


async def evaluated(
    expressions: Expressions, snapshot: Snapshot, *texts: str, given: Scores | None = None
) -> Evaluation:
    asking = dataclasses.replace(snapshot, cel=Answers(given, expressions))
    wanted = placement(predicates=[cel_predicate(*texts)])
    return await expressions.answered(asking.cel, lambda: evaluate(wanted, asking))


def is_asked(expressions: Expressions) -> bool:
    return expressions.evaluator.pid is not None


def named(name: str, claim: str = "x", version: str = "1") -> ManagedCluster:
    return versioned(cluster(name, cluster_set="s", claims={"claim": claim}), version)


async def test_clusters_are_selected_by_what_the_worker_says(expressions: Expressions) -> None:
    snapshot = hub(named("a"), named("b", "y"), named("c"))
    found = await evaluated(
        expressions,
        snapshot,
        "managedCluster.status.clusterClaims.exists(c, c.value == 'x')",
        "managedCluster.metadata.name != 'c'",
    )
    assert found.clusters == ("a",)
    assert found.misconfigured.status == "False"


async def test_what_was_said_is_remembered_until_cluster_or_score_change(expressions: Expressions) -> None:
    text = "managedCluster.scores('usage').exists(s, s.name == 'cpu' && s.value > 10)"
    few, many = scores("usage", "a", cpu=3), scores("usage", "a", cpu=30)
    newer = msgspec.structs.replace(
        many, metadata=msgspec.structs.replace(many.metadata, resource_version="2")
    )
    before, after = hub(named("a", version="1")), hub(named("a", version="2"))
    assert (await evaluated(expressions, before, text, given={("a", "usage"): few})).clusters == ()
    await expressions.evaluator.close()
    # Of the same versions: nobody is asked, whatever it would be now.
    assert (await evaluated(expressions, before, text, given={("a", "usage"): many})).clusters == ()
    assert not is_asked(expressions)
    assert (await evaluated(expressions, before, text, given={("a", "usage"): newer})).clusters == ("a",)
    assert is_asked(expressions)
    assert (await evaluated(expressions, after, text, given={("a", "usage"): few})).clusters == ()


async def test_what_does_not_compile_is_a_mistake_in_the_placement(expressions: Expressions) -> None:
    for snapshot in (hub(named("a")), hub()):
        found = await evaluated(expressions, snapshot, "true", "managedCluster.")
        assert found.misconfigured.message.startswith(
            "spec.predicates[0].requiredClusterSelector.celSelector.celExpressions[1]: ERROR"
        )


async def test_an_attack_is_named_and_others_are_evaluated(expressions: Expressions) -> None:
    snapshot = hub(*(named(f"c{number}") for number in range(10)))
    for text in (doubling(28), "managedCluster.metadata.name.matches('" + "(" * 1000 + "')"):
        found = await evaluated(expressions, snapshot, "true", text)
        assert found.clusters == ()
    dear = await evaluated(expressions, snapshot, doubling(28))
    assert dear.misconfigured.message == (
        "spec.predicates[0].requiredClusterSelector.celSelector.celExpressions[0]: "
        "took more than 64 MB of memory: make the expression cheaper"
    )
    assert len((await evaluated(expressions, snapshot, "true")).clusters) == 10


async def test_a_bloated_cluster_is_left_out_and_named_and_the_others_selected(
    expressions: Expressions,
) -> None:
    snapshot = hub(named("a"), named("bloated", "x" * 100_000), named("c"))
    for _ in range(2):
        found = await evaluated(expressions, snapshot, DEAR_ON_SOME)
        assert found.clusters == ("a", "c")
        assert found.misconfigured.status == "True"
        assert found.misconfigured.message.endswith("make the expression cheaper (cluster bloated)")
