"""Exponential backoff with jitter, in seconds. Pure but for the random source, which is passed in."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Delay of the n-th failure in a row (n from 0): `base * 2**n`, at most `cap`, times 1 +/- `jitter`."""

    base: float
    cap: float
    jitter: float = 0.2

    def delay(self, failures: int, uniform: Callable[[float, float], float] = random.uniform) -> float:
        # 2**failures overflows a float at 1024; the cap is reached long before.
        plain = min(self.cap, self.base * 2.0 ** min(failures, 60))
        return plain * uniform(1 - self.jitter, 1 + self.jitter)


# client-go's first step; its cap of 1000 s would leave a hub unattended long after it came back.
RECONCILE = Backoff(base=0.005, cap=30.0)
RECONNECT = Backoff(base=0.2, cap=10.0, jitter=0.5)
