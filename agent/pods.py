"""The pods of the cluster that have not finished, of which only what they take is kept.

A big cluster has ten thousand of them, of 5 to 10 KB each.
"""

from __future__ import annotations

from typing import Final

import msgspec

from agent.decide.capacity import Claimed, claimed
from controllers.api.kinds import POD
from controllers.api.pod import Pod
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.watch import Scope

UNFINISHED: Final = Scope(POD, field_selector="status.phase!=Succeeded,status.phase!=Failed")


def only_claimed(pod: Object) -> Object:
    """The pod with nothing in it but what tells it from others and its state from earlier ones, and a Claimed."""
    meta = pod.metadata
    identity = {
        "name": meta.name,
        "namespace": meta.namespace,
        "uid": meta.uid,
        "resourceVersion": meta.resource_version,
    }
    try:
        found = claimed(pod.decode(Pod).spec)
    except msgspec.ValidationError:  # nobody's reason to end: it counts as a pod, and as nothing else
        found = Claimed()
    return Object(msgspec.json.encode({"metadata": identity, **msgspec.structs.asdict(found)}))


def takes_otherwise(change: Change) -> bool:
    """Whether a pod, as `only_claimed` leaves it, takes something else than before, or takes it elsewhere."""
    old, new = change
    return old is None or new is None or old.decode(Claimed) != new.decode(Claimed)
