"""Where the PlacementDecisions of a Placement are found in a cache."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from controllers.api import keys
from controllers.kube.object import Object

# Index of PlacementDecisions: "<namespace>/<placement>".
BY_PLACEMENT: Final = "placement"


def decides_for(decision: Object) -> Iterable[str]:
    """Index function of BY_PLACEMENT."""
    placement = decision.metadata.labels.get(keys.PLACEMENT_LABEL)
    if placement:
        yield f"{decision.metadata.namespace}/{placement}"
