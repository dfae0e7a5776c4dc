"""Replicas that share work by shards: how their Leases are called and marked, and by what clock they live.

`<group>-shard-<number>` guards a shard, `<group>-<end of identity>` says that a replica lives. All carry labels by
which they are listed and watched together, and the number of shards that their holder counts with.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from controllers.api.kinds import LEASE
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.lease import DEFAULT_TIMING, LeaseLock, LeaseTiming
from controllers.runtime.scope import Scope

Component = Literal["member", "shard"]

_NAME_LABEL: Final = "app.kubernetes.io/name"
_COMPONENT_LABEL: Final = "app.kubernetes.io/component"
_SHARDS_ANNOTATION: Final = "argosy.io/shards"


@dataclass(frozen=True)
class Group:
    """One replica's view of its group. `shards` is 1 where one leader, holding Lease `name`, does everything."""

    client: Client
    name: str
    namespace: str
    identity: str
    shards: int
    timing: LeaseTiming = DEFAULT_TIMING
    clock: Callable[[], float] = time.monotonic

    @property
    def scope(self) -> Scope:
        """The Leases of all members and all shards."""
        selector = f"{_NAME_LABEL}={self.name},{_COMPONENT_LABEL} in (member,shard)"
        return Scope(LEASE, namespace=self.namespace, label_selector=selector)

    def member_lock(self) -> LeaseLock:
        """This replica's own Lease."""
        unique = self.identity.rpartition("_")[2].lower()
        return self._lock(re.sub(r"[^a-z0-9]+", "-", unique).strip("-"), "member")

    def shard_locks(self) -> list[LeaseLock]:
        """The Lease of each shard, by its number."""
        return [self._lock(f"shard-{number}", "shard") for number in range(self.shards)]

    def _lock(self, suffix: str, component: Component) -> LeaseLock:
        return LeaseLock(
            self.client,
            name=f"{self.name}-{suffix}",
            namespace=self.namespace,
            identity=self.identity,
            timing=self.timing,
            clock=self.clock,
            labels={_NAME_LABEL: self.name, _COMPONENT_LABEL: component},
            annotations={_SHARDS_ANNOTATION: str(self.shards)},
        )


def is_member(lease: Object) -> bool:
    """Whether it is a replica's own Lease, not a shard's."""
    return lease.metadata.labels.get(_COMPONENT_LABEL) == "member"


def shards_of(lease: Object) -> str:
    """The number of shards that the holder counts with. A leader's Lease says none: it does everything, as one."""
    return lease.metadata.annotations.get(_SHARDS_ANNOTATION, "1")
