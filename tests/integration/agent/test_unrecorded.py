"""What an agent has created and died before it could note it down."""

from __future__ import annotations

import pytest

from controllers.api.kinds import MANIFEST_WORK, WORKFLOW
from controllers.kube.object import Object
from tests.eventually import eventually
from tests.integration.agent import works
from tests.integration.agent.conftest import Pair, running, started
from tests.integration.agent.mortal import Life, mortal
from tests.integration.agent.works import CLUSTER


@pytest.mark.parametrize("writes", [2, 3, 4])
async def test_a_work_deleted_after_a_kill_takes_its_unrecorded_copy_along(
    pair: Pair, namespace: str, writes: int
) -> None:
    """Killed around the copy's creation, the work's deletion being the next thing that happens."""
    life = Life(writes)
    async with started(pair, client=mortal(life)):
        await works.create(pair, namespace, works.workflow("w", namespace))
        await eventually(life.over.is_set, what="the agent killed")
    await pair.hub.delete(MANIFEST_WORK, namespace, namespace=CLUSTER)

    async def is_gone() -> bool:
        left: list[Object | None] = [
            await pair.hub.find(MANIFEST_WORK, namespace, namespace=CLUSTER),
            await works.find(pair, WORKFLOW, "w", namespace),
        ]
        assert left == [None, None]
        return await works.trace(pair, namespace) is None

    async with running(pair):
        await eventually(is_gone, within=20, what="work, copy and trace gone")
