"""What the agent knows of what was, put together: what ran here, whether the hub went back, how well it is heard."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agent.decide.eviction import Grace
from agent.decide.naming import Hub
from agent.history import HubHistory
from agent.line import HubLine
from agent.work.held import Held
from agent.work.ledger import Ledger
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.clock import now
from controllers.runtime.events import Recorder
from controllers.runtime.informer import Informer
from controllers.runtime.manager import Manager
from controllers.runtime.process import lease_namespace


class Past(NamedTuple):
    """Its parts run with the manager that `past_of` was given."""

    ledger: Ledger
    history: HubHistory
    line: HubLine
    held: Held
    grace: Grace

    def connect(
        self, watched: Sequence[Informer], call: Callable[[str], None], look_again: Callable[[], None]
    ) -> None:
        """`watched`: the informers of the hub by which works are judged. `call` has a work looked at that was refused
        the line; `look_again` all works that have left a trace."""
        self.line.is_doubtful = lambda: any(item.is_doubtful for item in watched)
        for item in watched:
            item.on_certain(self.line.resume)
        self.line.call = call

        def went_back() -> None:
            for item in watched:
                item.go_back()
            look_again()

        self.history.on_return = went_back


def past_of(
    manager: Manager,
    hub: Client,
    managed: Client,
    recorder: Recorder,
    registered: Informer,
    options: argparse.Namespace,
) -> Past:
    """`registered` holds the ManagedCluster."""
    namespace = options.ledger_namespace or lease_namespace(options)
    hub_id = Hub(hub.server).address_hash
    past = Past(
        Ledger(managed, hub_id, namespace=namespace, runs=options.ledger_runs),
        HubHistory(managed, hub_id, namespace=namespace, now=now),
        HubLine(),
        Held(recorder, lambda: regarding(registered)),
        Grace.of(options.eviction_grace, options.restored_grace),
    )
    manager.add_startup("ledger", past.ledger.load)
    manager.add_background("ledger", past.ledger.run)
    manager.add_background("held-works", past.held.run)
    return past


def regarding(registered: Informer) -> Object | None:
    """The ManagedCluster, as if it were in its own namespace: the agent may write Events nowhere else."""
    found = next(registered.store.all(), None)
    return found and found.reduced(
        apiVersion=MANAGED_CLUSTER.api_version,
        kind=MANAGED_CLUSTER.kind,
        metadata={"namespace": found.metadata.name},
    )
