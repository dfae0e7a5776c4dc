"""Properties of the agent, against real API servers: applying again changes nothing, and whatever becomes of a work
and of the agents that serve it, in the end the cluster has what the last spec says."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from controllers.api.kinds import (
    APPLIED_MANIFEST_WORK,
    MANIFEST_WORK,
    NAMESPACE,
    ROLE,
    SECRET,
    SERVICE_ACCOUNT,
    Kind,
)
from controllers.api.work import AppliedManifestWork
from controllers.kube.errors import AlreadyExists
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Pair, running, started
from tests.integration.agent.mortal import Life, mortal
from tests.integration.agent.works import CLUSTER, CONFIG_MAP, Json

_numbers = itertools.count(1)
# Kinds that no controller of the cluster writes to.
_KINDS = (CONFIG_MAP, SECRET, SERVICE_ACCOUNT, ROLE)
# In a test all agents are one person: what one has applied by Update, the next may apply by server-side apply.
_STRATEGIES = {
    "Update": {"type": "Update"},
    "CreateOnly": {"type": "CreateOnly"},
    "ServerSideApply": {"type": "ServerSideApply", "serverSideApply": {"force": True}},
    "ReadOnly": {"type": "ReadOnly"},
}


class Item(NamedTuple):
    """One manifest of a spec. Its value is a label, which every kind has."""

    value: str
    strategy: str


# What a work asks for: at most one object per kind, which is enough to be added, changed and removed.
Spec = dict[Kind, Item]

items = st.builds(Item, st.sampled_from("ab"), st.sampled_from(sorted(_STRATEGIES)))
specs = st.dictionaries(st.sampled_from(_KINDS), items, max_size=len(_KINDS))
# Each spec with the number of writes after which the agent that meets it dies.
lives = st.lists(st.tuples(specs, st.integers(min_value=0, max_value=12)), min_size=1, max_size=4)

# An example takes a second: what fails is shown as it was found, and not tried a hundred times more to make it smaller.
few = settings(
    max_examples=20,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def manifest_of(kind: Kind, item: Item, namespace: str) -> Json:
    body = works.manifest(kind, "o", namespace)
    body["metadata"]["labels"] = {"value": item.value}
    return body


def spec_of(spec: Spec, namespace: str) -> Json:
    return {
        "workload": {"manifests": [manifest_of(kind, item, namespace) for kind, item in spec.items()]},
        "manifestConfigs": [
            works.option(kind, "o", namespace, updateStrategy=_STRATEGIES[item.strategy])
            for kind, item in spec.items()
        ],
    }


async def fresh(pair: Pair) -> str:
    name = f"p-{next(_numbers)}"
    await pair.managed.create(NAMESPACE, works.manifest(NAMESPACE, name))
    return name


async def ask(pair: Pair, name: str, spec: Spec) -> None:
    """Makes the work, or gives it this spec."""
    body = works.manifest(MANIFEST_WORK, name, CLUSTER, spec=spec_of(spec, name))
    try:
        await pair.hub.create(MANIFEST_WORK, body, namespace=CLUSTER)
    except AlreadyExists:
        await works.patch(pair, name, merge_patch({"spec": body["spec"]}))


async def objects(pair: Pair, namespace: str) -> dict[Kind, Object]:
    found = {kind: await works.find(pair, kind, "o", namespace) for kind in _KINDS}
    return {kind: item for kind, item in found.items() if item is not None}


async def converged(pair: Pair, name: str, spec: Spec, ever: dict[Kind, set[str]]) -> bool:
    """AssertionError unless the cluster has what `spec` says. `ever`: all values that an object was asked to have."""
    raw = await pair.managed.find(APPLIED_MANIFEST_WORK, works.trace_name(pair, name))
    assert raw is not None
    trace = raw.decode(AppliedManifestWork)
    present = await objects(pair, name)
    mine = {
        kind: item
        for kind, item in present.items()
        if any(owner.uid == trace.metadata.uid for owner in item.metadata.owner_references)
    }
    wanted = {kind: item for kind, item in spec.items() if item.strategy != "ReadOnly"}
    assert set(mine) == set(wanted)
    for kind, item in wanted.items():
        allowed = ever[kind] if item.strategy == "CreateOnly" else {item.value}
        assert mine[kind].metadata.labels["value"] in allowed
    listed = {item.uid for item in trace.status.applied_resources}
    assert listed == {item.metadata.uid for item in mine.values()}
    work = await works.read(pair, name)
    observed = [
        item for item in work.status.conditions if item.observed_generation == work.metadata.generation
    ]
    assert [item.status for item in observed if item.type == "Applied"] == ["True"] or not spec
    return True


def handled() -> float:
    results = ("success", "requeue_after", "conflict", "error")
    labels = [{"controller": "work", "result": result} for result in results]
    return sum(REGISTRY.get_sample_value("controller_runtime_reconcile_total", one) or 0 for one in labels)


async def is_idle(pair: Pair, since: float) -> None:
    """Waits until an agent has looked at every work there is, and has nothing to do."""
    count = len((await pair.hub.list(MANIFEST_WORK, namespace=CLUSTER))[0])
    active = ("controller_runtime_active_workers", {"controller": "work"})
    await eventually(
        lambda: handled() - since >= count and REGISTRY.get_sample_value(*active) == 0,
        what="the agent is idle",
    )


async def versions(pair: Pair, name: str) -> list[str]:
    """The resourceVersions of all that belongs to a work."""
    everything = [
        await pair.hub.get(MANIFEST_WORK, name, namespace=CLUSTER),
        await pair.managed.get(APPLIED_MANIFEST_WORK, works.trace_name(pair, name)),
        *(await objects(pair, name)).values(),
    ]
    return [item.metadata.resource_version for item in everything]


@few
@given(spec=specs)
async def test_applying_again_changes_nothing(pair: Pair, spec: Spec) -> None:
    name = await fresh(pair)
    ever = {kind: {item.value} for kind, item in spec.items()}
    async with running(pair):
        await ask(pair, name, spec)
        await eventually(lambda: converged(pair, name, spec, ever), what=f"{spec}")
    before, since = await versions(pair, name), handled()
    async with running(pair):
        await is_idle(pair, since)
    assert await versions(pair, name) == before
    async with running(pair):
        await works.delete(pair, name)


async def serve(pair: Pair, name: str, spec: Spec, ever: dict[Kind, set[str]], life: Life) -> None:
    """An agent until it dies or has done everything."""
    async with started(pair, client=mortal(life, f"/namespaces/{name}/")):
        over = asyncio.create_task(life.over.wait())
        done = asyncio.create_task(eventually(lambda: converged(pair, name, spec, ever), what=f"{spec}"))
        await asyncio.wait([over, done], return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        done.cancel()
        await asyncio.gather(over, done, return_exceptions=True)


@few
@given(story=lives)
@example(
    # Killed between making an object and recording it; the next spec does not name it.
    story=[({CONFIG_MAP: Item("b", "Update")}, 3), ({ROLE: Item("b", "ReadOnly")}, 12)]
)
async def test_whatever_is_asked_and_whenever_agents_die_the_last_spec_holds(
    pair: Pair, story: Sequence[tuple[Spec, int]]
) -> None:
    name, ever = await fresh(pair), {kind: set[str]() for kind in _KINDS}
    for spec, writes in story:
        for kind, item in spec.items():
            ever[kind].add(item.value)
        await ask(pair, name, spec)
        await serve(pair, name, spec, ever, Life(writes))
    last = story[-1][0]
    async with running(pair):
        await eventually(lambda: converged(pair, name, last, ever), what=f"{last}")
        await works.delete(pair, name)
    assert await works.trace(pair, name) is None
    owned = [item for item in (await objects(pair, name)).values() if item.metadata.owner_references]
    assert owned == []
