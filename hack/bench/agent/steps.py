"""The steps in which the cluster of this benchmark fills up, by their names in tables."""

from __future__ import annotations

from typing import Final

EMPTY: Final = "nothing asked"
KINDS: Final = "many kinds, one object each"
OTHERS: Final = "many objects of others"
FULL: Final = "many objects of works"
RESTARTED: Final = "the same, agent started anew"
