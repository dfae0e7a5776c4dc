"""What an informer watches, and how much of it is kept."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from controllers.api.kinds import Kind
from controllers.kube.object import Object


@dataclass(frozen=True)
class Scope:
    """What is watched: a kind, in one namespace or all (""), narrowed by selectors on the server. `metadata_only`:
    nothing but apiVersion, kind and metadata of each object is sent."""

    kind: Kind
    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""
    metadata_only: bool = False


class Interest(enum.Enum):
    """How much of an object its watcher wants to keep."""

    FULL = enum.auto()
    UID = enum.auto()
    NONE = enum.auto()


InterestFunction = Callable[[Object], Interest]
Keep = Callable[[Object], Object]


def whole(item: Object) -> Object:
    """Keeps everything."""
    return item
