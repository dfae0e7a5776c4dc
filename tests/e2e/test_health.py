"""A cluster whose agent is gone gets no new Workflows, and gets them again when it is back."""

from __future__ import annotations

from tests.e2e import workflows
from tests.e2e.conftest import Argosy
from tests.e2e.lost import decided, find_again, lose

COUNT = 6


async def placed(argosy: Argosy, prefix: str) -> set[str]:
    """Runs a few Workflows anywhere, and returns where they were."""
    names = [f"{prefix}-{number}" for number in range(COUNT)]
    for name in names:
        await workflows.create(argosy, workflows.hello(name))
    clusters = set()
    for name in names:
        clusters.add(workflows.cluster_of(await workflows.in_phase(argosy, name, "Succeeded")))
    await workflows.delete(argosy, *names)
    return clusters


async def test_new_workflows_avoid_a_cluster_whose_agent_is_gone(argosy: Argosy) -> None:
    lost, other = "cluster2", "cluster1"
    try:
        await lose(argosy, lost)
        await decided(argosy, other)
        assert await placed(argosy, "without") == {other}
    finally:
        await find_again(argosy, lost)
    await decided(argosy, other, lost)
    assert await placed(argosy, "with") == {lost, other}
