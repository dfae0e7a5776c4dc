"""Objects that end and are then removed by their own time to live, as a Job by ttlSecondsAfterFinished. Pure.

Such an object that is gone after its end is not missing: what it was made for is done. It is made again when its
manifest changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from controllers.kube.object import Object

# On the AppliedManifestWork: for each such object that has ended, which manifest it was made from.
FINISHED: Final = "argosy.io/finished"

NOTE: Final = (
    "Apply manifest complete; it has finished, and was removed after its ttlSecondsAfterFinished. It is made again "
    "when its manifest changes"
)

_TTL: Final = "ttlSecondsAfterFinished"
_ENDED: Final = frozenset({"Complete", "Completed", "Succeeded", "Failed", "Finished"})

Json = Mapping[str, Any]


def has_ended(live: Object) -> bool:
    """Whether the object has come to its end and will be removed for that."""
    if _TTL.encode() not in live.raw:
        return False  # nearly all, and each is asked for with every look
    body = live.to_dict()
    return _has_ttl(body) and any(
        isinstance(found, Mapping) and found.get("type") in _ENDED and found.get("status") == "True"
        for found in _list(_map(body.get("status")).get("conditions"))
    )


def ended(applied: Object) -> dict[str, str]:
    """What is recorded on an AppliedManifestWork: the digest of the manifest by `key_of` its object."""
    try:
        return msgspec.json.decode(applied.metadata.annotations.get(FINISHED, "{}"), type=dict[str, str])
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}  # somebody has put something else there


def key_of(identity: tuple[str, str, str, str]) -> str:
    """Group, resource, namespace and name in one string."""
    return "/".join(identity)


def _has_ttl(live: Json) -> bool:
    spec = _map(live.get("spec"))
    return any(isinstance(part.get(_TTL), int) for part in (spec, _map(spec.get("runPolicy"))))


def _map(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
