"""Random edits of a Workflow, between restarts of the controllers: it runs once, shows the truth and can be deleted."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from controllers.api import keys
from controllers.api.kinds import WORKFLOW
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch
from tests.integration.edits.kubectl import kubectl
from tests.integration.edits.test_exactly_once import (
    can_be_deleted,
    is_whole,
    patch,
    runs_once,
    written,
)
from tests.integration.hub_fleet import RUNNING, SUCCEEDED, Fleet

Edit = Callable[[], Awaitable[object]]

_STEPS = 12


class User:
    """One who does to Workflow `a` whatever a person or a tool may do to it."""

    def __init__(self, fleet: Fleet, kubeconfig: Path, chance: random.Random) -> None:
        self._fleet = fleet
        self._kubeconfig = kubeconfig
        self._chance = chance
        self.edits: dict[str, Edit] = {
            "replace": lambda: self._kubectl("replace", "-f", "-"),
            "apply": lambda: self._kubectl("apply", "-f", "-"),
            "server-side apply": lambda: self._kubectl(
                "apply", "--server-side", "--force-conflicts", "-f", "-"
            ),
            "cluster": lambda: self._annotate(keys.CLUSTER_ANNOTATION),
            "another cluster": self._move,
            "stamp": lambda: self._annotate(keys.PLACED_UID_ANNOTATION),
            "annotations": self._strip_annotations,
            "completeness": lambda: self._annotate(keys.STATUS_ANNOTATION),
            "label": lambda: patch(fleet, {"labels": {keys.ENABLE_LABEL: None}}),
            "labels": self._strip_labels,
            "finalizer": lambda: patch(fleet, {"finalizers": None}),
            "status": lambda: patch(fleet, {}, status=None),
            "phase": self._forge,
            "retry": lambda: patch(
                fleet, {"labels": {keys.COMPLETED_LABEL: None}}, status={"phase": "Running", "nodes": None}
            ),
        }

    async def edit(self) -> None:
        await self.edits[self._chance.choice(sorted(self.edits))]()

    async def _kubectl(self, *arguments: str) -> None:
        await kubectl(self._kubeconfig, *arguments, body=written(self._fleet))

    async def _annotate(self, annotation: str, value: str | None = None) -> None:
        await patch(self._fleet, {"annotations": {annotation: value}})

    async def _move(self) -> None:
        await self._annotate(keys.CLUSTER_ANNOTATION, self._chance.choice(self._fleet.clusters))

    async def _strip_annotations(self) -> None:
        body = await self._fleet.body()
        present = body["metadata"].get("annotations", {})
        mine = [name for name in present if name != keys.PLACEMENT_ANNOTATION]
        await patch(self._fleet, {"annotations": dict.fromkeys(mine)})

    async def _strip_labels(self) -> None:
        body = await self._fleet.body()
        await patch(self._fleet, {"labels": dict.fromkeys(body["metadata"].get("labels", {}))})

    async def _forge(self) -> None:
        phase = self._chance.choice(["Succeeded", "Failed", "Error", "Running", "Pending"])
        await self._fleet.client.patch(
            WORKFLOW, "a", merge_patch({"status": {"phase": phase}}), namespace=self._fleet.namespace
        )


async def play(fleet: Fleet, user: User, chance: random.Random, work: Object, status: dict[str, Any]) -> None:
    """Edits, some of them while no controller runs."""
    away = False
    for _ in range(_STEPS):
        await user.edit()
        if chance.random() < 0.25:
            if away:
                await fleet.start()
            else:
                await fleet.stop()
            away = not away
        elif not away and chance.random() < 0.3:
            await is_whole(fleet, work, status)
    if away:
        await fleet.start()
    await is_whole(fleet, work, status)
    await runs_once(fleet, work)


@pytest.mark.parametrize("seed", range(6))
async def test_it_runs_once_shows_the_truth_and_can_be_deleted(
    fleet: Fleet, kubeconfig: Path, seed: int
) -> None:
    chance = random.Random(seed)
    user = User(fleet, kubeconfig, chance)
    first, *others = fleet.clusters
    await fleet.decide(first)
    await kubectl(kubeconfig, *chance.choice([("create",), ("apply",)]), "-f", "-", body=written(fleet))
    work = await fleet.runs_on(first)
    await fleet.decide(*others)  # where it would go if it were placed once more
    await play(fleet, user, chance, work, RUNNING)
    await fleet.agents[first].write_result(work, SUCCEEDED)
    await is_whole(fleet, work, SUCCEEDED)
    await play(fleet, user, chance, work, SUCCEEDED)
    await can_be_deleted(fleet, work)
