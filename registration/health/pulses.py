"""What this process has seen of the clusters' agents: leases that move, and reports. Decides nothing."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace

from controllers.api.cluster import AVAILABLE, ManagedCluster
from controllers.api.conditions import is_true
from controllers.api.meta import parsed
from controllers.api.model import Model
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer
from registration.health.decide import Pulse


class _Spec(Model):
    renew_time: str | None = None


class _Lease(Model):
    spec: _Spec = _Spec()


class Pulses:
    """By cluster name. `now` gives an aware time."""

    def __init__(self, leases: Informer, clusters: Informer, now: Callable[[], datetime.datetime]) -> None:
        self._now = now
        self._pulses: dict[str, Pulse] = {}
        self._said: dict[str, datetime.datetime | None] = {}  # each lease's renewTime, as it is
        leases.add_handler(self._on_lease)
        clusters.add_handler(self._on_cluster)

    def of(self, cluster: str) -> Pulse:
        return self._pulses.setdefault(cluster, Pulse(since=self._now()))

    def forget(self, cluster: str) -> None:
        self._pulses.pop(cluster, None)
        self._said.pop(cluster, None)

    def _on_lease(self, change: Change) -> None:
        if change.new is None:
            return
        cluster = change.new.metadata.namespace
        moment = change.new.decode(_Lease).spec.renew_time
        said = parsed(moment) if moment else None
        before, last = self.of(cluster), self._said.get(cluster)
        if cluster in self._said and said == last:
            return
        self._said[cluster] = said
        # A clock that is ahead must not keep a cluster alive for as long after its death.
        renewed = None if said is None else min(said, self._now())
        heard = before.heard if last is None else self._now()
        self._pulses[cluster] = replace(before, renewed=renewed, heard=heard)

    def _on_cluster(self, change: Change) -> None:
        """An agent that says its cluster is available is alive, whatever becomes of its lease: taking that back at once
        would make it say so again, for ever."""
        old, new = change
        if old is not None and new is not None and not is_available(old) and is_available(new):
            self._pulses[new.metadata.name] = replace(self.of(new.metadata.name), heard=self._now())


def is_available(cluster: Object) -> bool:
    """Whether the ManagedCluster says so."""
    return is_true(cluster.decode(ManagedCluster).status.conditions, AVAILABLE)
