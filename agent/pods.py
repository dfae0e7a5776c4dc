"""The pods of the cluster that have not finished, of which only what they take is kept.

A big cluster has ten thousand of them, of 5 to 10 KB each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from agent.decide.capacity import Claimed, Json, Room, claimed, room
from controllers.api.kinds import POD
from controllers.api.pod import Pod
from controllers.kube.object import Object, Unreadable
from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer
from controllers.runtime.scope import Scope

UNFINISHED: Final = Scope(POD, field_selector="status.phase!=Succeeded,status.phase!=Failed")


def only_claimed(pod: Object) -> Object:
    """The pod with nothing in it but what tells it from others and its state from earlier ones, and a Claimed."""
    try:
        found = claimed(pod.decode(Pod).spec)
    except Unreadable:  # nobody's reason to end: it counts as a pod, and as nothing else
        found = Claimed()
    return pod.reduced(**msgspec.structs.asdict(found))


def room_beside(pods: Informer | None, nodes: Iterable[Json]) -> Room | None:
    """The room that these pods leave on these nodes; None: it is not known, or not to be told."""
    if pods is None or pods.is_denied:
        return None
    return room(nodes, (item.decode(Claimed) for item in pods.store.all()))


def takes_otherwise(change: Change) -> bool:
    """Whether a pod, as `only_claimed` leaves it, takes something else than before, or takes it elsewhere."""
    old, new = change
    return old is None or new is None or old.decode(Claimed) != new.decode(Claimed)
