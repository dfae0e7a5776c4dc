"""An informer under test: it runs as long as the block, and every change it tells of is kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from controllers.kube.client import Client
from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer
from controllers.runtime.scope import InterestFunction, Keep, Scope, whole
from controllers.runtime.watch import Timing
from tests.integration.bodies import CONFIG_MAP

# (what happened, name, resourceVersion)
Told = tuple[str, str, str]


def config_maps(namespace: str) -> Scope:
    """The ConfigMaps that a test makes; the controller manager's own has no such label."""
    return Scope(CONFIG_MAP, namespace=namespace, label_selector="test")


class Witness:
    """A handler that remembers."""

    def __init__(self, informer: Informer) -> None:
        self.informer = informer
        self.told: list[Told] = []
        informer.add_handler(self._tell)

    def of(self, name: str) -> list[str]:
        """What happened to one object, in order."""
        return [what for what, told, _ in self.told if told == name]

    def names(self) -> list[str]:
        """The names in the store, sorted."""
        return sorted(item.metadata.name for item in self.informer.store.all())

    def _tell(self, change: Change) -> None:
        what = "removed" if change.new is None else "added" if change.old is None else "changed"
        meta = change.object.metadata
        self.told.append((what, meta.name, meta.resource_version))


@contextlib.asynccontextmanager
async def informing(
    client: Client,
    scope: Scope,
    *,
    interest: InterestFunction | None = None,
    keep: Keep = whole,
    timing: Timing = Timing(),
) -> AsyncIterator[Witness]:
    """Runs an informer of `scope`; the block begins once it is synced."""
    witness = Witness(Informer(client, scope, interest=interest, keep=keep, timing=timing))
    task = asyncio.create_task(witness.informer.run())
    try:
        async with asyncio.timeout(30):
            await witness.informer.wait_synced()
        yield witness
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
