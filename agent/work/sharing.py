"""Other works that bring the same object: who they are, and what they want of it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from agent.decide.manifest import Identity, ManifestError, identify
from agent.decide.naming import Hub
from agent.work.delivery import Delivery
from agent.work.outcome import Json
from controllers.api.kinds import APPLIED_MANIFEST_WORK
from controllers.api.work import ManifestWork
from controllers.kube.object import Object
from controllers.runtime.own_writes import OwnWrites


class Shared(NamedTuple):
    """`names` of the other works as a user knows them; `works` are those that the hub has; `manifests` of theirs
    for the object, None if some of them are not known: the work is of another hub, or has left it."""

    names: list[str]
    works: list[str]
    manifests: list[Json] | None


class Sharing:
    """`works` are those of `hub`."""

    def __init__(self, works: OwnWrites, hub: Hub) -> None:
        self._works = works
        self._hub = hub

    def of(self, live: Object | None, delivery: Delivery, identity: Identity) -> Shared:
        """What the owner references of `live` tell."""
        names: list[str] = []
        works: list[str] = []
        manifests: list[Json] = []
        known = True
        for owner in live.metadata.owner_references if live is not None else ():
            if owner.kind != APPLIED_MANIFEST_WORK.kind or owner.uid == delivery.applied.metadata.uid:
                continue
            name = self._hub.work_of(owner.name)
            work = self._works.get(delivery.found.metadata.namespace, name) if name is not None else None
            names.append(f"AppliedManifestWork {owner.name}" if name is None else f"ManifestWork {name}")
            known = known and work is not None
            if work is not None:
                works.append(work.metadata.name)
                manifests += _for(identity, work)
        return Shared(names, works, manifests if known else None)

    def are_gone(self, works: list[str], delivery: Delivery) -> bool:
        """Whether the hub has none of these any more, but for what is being deleted."""
        namespace = delivery.found.metadata.namespace
        found = (self._works.get(namespace, name) for name in works)
        return all(work is None or work.metadata.deletion_timestamp is not None for work in found)


def _for(identity: Identity, work: Object) -> list[Json]:
    """The manifests of a work for the object, in whatever version."""
    found = []
    for raw in work.decode(ManifestWork).spec.workload.manifests:
        try:
            other = identify(raw)
        except ManifestError:
            continue
        if other._replace(version=identity.version) == identity:
            found.append(msgspec.json.decode(raw, type=dict[str, object]))
    return found
