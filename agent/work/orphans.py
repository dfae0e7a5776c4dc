"""Objects that stay whatever becomes of their work: only their uid in its trace tells them from others' objects."""

from __future__ import annotations

from agent.work.apply import Applier, is_owned
from agent.work.delivery import Delivery
from agent.work.managed import ManagedObjects
from agent.work.targets import Served
from controllers.kube.object import Object


class Orphans:
    """Of one managed cluster."""

    def __init__(self, applier: Applier, managed: ManagedObjects) -> None:
        self._applier = applier
        self._managed = managed

    async def find(self, delivery: Delivery, target: Served) -> Object | None:
        """The orphan that was applied before, if it is there. Raises ApiError."""
        meta = target.meta
        if not delivery.has_recorded(meta):
            return None
        found = await self._applier.read(target.kind, meta.namespace, meta.name)
        return found if found is not None and delivery.has_applied(meta, found) else None

    async def let_stand(self, delivery: Delivery, target: Served, live: Object) -> Object:
        """Takes the owner reference off, so that nothing removes the object, and has it watched all the same. Raises
        ApiError."""
        await self._managed.keep(delivery.name, target.kind, live)
        if not is_owned(live, delivery.applied):
            return live
        view = await self._managed.of(target.kind)
        return view.record(await self._applier.disown(target.kind, live, delivery.applied))
