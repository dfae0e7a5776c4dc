"""Keeps an object as its manifest says: whether it has to be written, and how often it may be.

A manifest that is new is brought at once, and takes along what has left it. An object that was as it should be and is
not any more is repaired: at once, unless it never stays so (`agent.decide.repairs`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from agent.decide import desired, dispute, finished
from agent.decide.config import Options, disposal
from agent.decide.difference import Leaving, touched
from agent.decide.ignore import Ignoring
from agent.decide.repairs import Repairs
from agent.decide.status import Failure, Observation, applied_generation
from agent.work.apply import Applier, is_owned
from agent.work.delivery import Brought, Delivery
from agent.work.finished import Finished
from agent.work.managed import ManagedObjects
from agent.work.outcome import Json, Outcome, content
from agent.work.sharing import Shared, Sharing
from agent.work.targets import Served
from controllers.kube.object import Object


@dataclass(frozen=True)
class Look:
    """One look at an object. `is_new`: this manifest is not known to have been brought before; `is_wrong`: the object
    is not as it says."""

    delivery: Delivery
    target: Served
    options: Options
    manifest: Json
    live: Object | None
    brought: Brought
    shared: Shared
    digest: str
    is_new: bool
    is_wrong: bool
    wait: float

    @property
    def is_due(self) -> bool:
        """Whether the object is to be brought now."""
        ordinal, generation = self.target.entry.ordinal, self.delivery.work.metadata.generation
        fresh = self.delivery.progress.applied.get(ordinal) != generation
        return self.is_new or (self.wait == 0 and (fresh or self.is_wrong))


class Keeping:
    """`clock`: monotonic seconds."""

    def __init__(
        self,
        applier: Applier,
        sharing: Sharing,
        finished: Finished,
        managed: ManagedObjects,
        clock: Callable[[], float],
    ) -> None:
        self._applier = applier
        self._sharing = sharing
        self._finished = finished
        self._managed = managed
        self._clock = clock

    async def done(
        self, delivery: Delivery, target: Served, options: Options, live: Object | None
    ) -> Outcome | None:
        """For an object that has come to its end: if it is gone for that, it is not made again. Raises ApiError."""
        meta = target.meta
        digest = _digest(delivery, target)
        is_noted = self._finished.is_noted(delivery, meta, digest)
        if live is not None:
            is_new = _is_new(delivery, target, _brought_as(options, digest))
            if not is_noted and not is_new and finished.has_ended(live):
                await self._finished.note(delivery, meta, digest)
            return None
        if not is_noted and self._managed.saw_end(target.kind, meta.namespace, meta.name):
            await self._finished.note(delivery, meta, digest)
            self._managed.forget_end(target.kind, meta.namespace, meta.name)
            is_noted = True
        if not is_noted:
            return None
        return Outcome(Observation(meta, note=finished.NOTE), target.kind)

    def look(self, delivery: Delivery, target: Served, options: Options, live: Object | None) -> Look:
        """Raises PathError for `ignoreFields` that cannot be read."""
        manifest, now = delivery.manifest(target), self._clock()
        brought = delivery.progress.objects.setdefault(target.identity, Brought())
        digest = _brought_as(options, _digest(delivery, target))
        is_new = _is_new(delivery, target, digest)
        is_wrong = _is_wrong(delivery, target, options, manifest, live, brought)
        brought.repairs = brought.repairs.seen(now, right=not is_wrong)
        if brought.rivals and self._sharing.are_gone(brought.rivals, delivery):
            brought.repairs, brought.rivals = Repairs(), []
        return Look(
            delivery=delivery,
            target=target,
            options=options,
            manifest=manifest,
            live=live,
            brought=brought,
            shared=self._sharing.of(live, delivery, target.identity),
            digest=digest,
            is_new=is_new,
            is_wrong=is_wrong,
            wait=0.0 if is_new or not is_wrong else brought.repairs.wait(now),
        )

    async def bring(self, look: Look) -> Object:
        """Writes what differs. Raises ApiError."""
        delivery, brought, live = look.delivery, look.brought, look.live
        leaving = None
        if look.is_new and look.shared.manifests is not None:
            leaving = Leaving(kept=tuple(look.shared.manifests))
        is_orphan = disposal(look.target.meta, delivery.work.spec.delete_option, look.options.strategy).orphan
        made = await self._applier.apply(
            look.target.kind,
            look.target.identity,
            look.manifest,
            look.options,
            None if is_orphan else delivery.applied,
            live,
            leaving,
        )
        has_written = live is None or made.metadata.resource_version != live.metadata.resource_version
        if look.is_new:
            brought.repairs = Repairs()
        elif has_written:
            _blame(look)
            brought.repairs = brought.repairs.made(self._clock())
        brought.digest = look.digest
        rest = _rest(look.options, look.manifest, made)
        brought.settled = "" if rest is None else _settled(rest, content(made) or {})
        delivery.progress.applied[look.target.entry.ordinal] = delivery.work.metadata.generation
        return made

    def outcome(self, look: Look, live: Object | None) -> Outcome:
        """What to say of it."""
        brought, meta, kind = look.brought, look.target.meta, look.target.kind
        if not brought.repairs.is_disputed:
            return Outcome(Observation(meta, content(live)), kind, live)
        if look.is_wrong:
            _blame(look)
        name = f"{meta.namespace}/{meta.name}" if meta.namespace else meta.name
        failure = Failure(dispute.message(f"{meta.kind} {name}", brought.who), dispute.REASON)
        again = look.wait or brought.repairs.calm_in(self._clock())
        return Outcome(Observation(meta, content(live), failure=failure), kind, live, again=max(again, 0.1))


def _blame(look: Look) -> None:
    """Notes who disagrees."""
    look.brought.who = dispute.blame(look.manifest, content(look.live), look.shared.names)
    if look.shared.works:
        look.brought.rivals = look.shared.works


def _brought_as(options: Options, digest: str) -> str:
    """A manifest of `digest` under its strategy: what CreateOnly has not brought is new to Update."""
    return f"{options.strategy.type} {digest}"


def _is_new(delivery: Delivery, target: Served, brought_as: str) -> bool:
    """Whether the manifest is not known to have been brought: neither to this process, nor to the work's status."""
    brought = delivery.progress.objects.get(target.identity)
    if brought is not None and brought.digest is not None:
        return brought.digest != brought_as
    return applied_generation(delivery.work, target.meta) != delivery.work.metadata.generation


def _is_wrong(
    delivery: Delivery,
    target: Served,
    options: Options,
    manifest: Json,
    live: Object | None,
    brought: Brought,
) -> bool:
    """Whether a write would change something, as far as that can be told from here."""
    if live is None:
        return True
    owned = not disposal(target.meta, delivery.work.spec.delete_option, options.strategy).orphan
    if owned and not is_owned(live, delivery.applied):
        return True
    rest = _rest(options, manifest, live)
    return rest is not None and brought.settled != _settled(rest, live.to_dict())


def _rest(options: Options, manifest: Json, live: Object) -> Json | None:
    """What would have to change in an object that is there; None: nothing."""
    strategy = options.strategy
    if strategy.type == "CreateOnly":
        return None
    config = strategy.server_side_apply
    ignoring = Ignoring(manifest, config.ignore_fields if config else ())
    return desired.change(ignoring.compared, live.to_dict())


def _settled(patch: Json, live: Json) -> str:
    """A digest of what is and what should be. If it is the same after a write as before, the server has judged: it
    spells a value otherwise, or does not keep a field."""
    return _hash(msgspec.json.encode([patch, touched(patch, live)], order="deterministic"))


def _digest(delivery: Delivery, target: Served) -> str:
    return _hash(bytes(delivery.work.spec.workload.manifests[target.entry.ordinal]))


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
