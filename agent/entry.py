"""The agent's credentials for its hub at its start: those that it has, or, for who may join by itself, new ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from agent.credentials import Keep
from agent.hub_kubeconfig import fault
from agent.join import Wish, join
from controllers.kube.client import Client
from controllers.kube.configuration import ConfigError
from controllers.kube.kubeconfig import KubeconfigError, cluster_of, parse
from controllers.runtime.clock import now

log = structlog.get_logger(__name__)

Json = dict[str, Any]


class Entry:
    """`bootstrap`: a kubeconfig to join with; None: there is none. What is joined for beside that is in `wish`, whose
    `hub` is not read."""

    def __init__(
        self, keep: Keep, wish: Wish, bootstrap: Path | None, *, clock: Callable[[], datetime] = now
    ) -> None:
        self._keep = keep
        self._wish = wish
        self._bootstrap = bootstrap
        self._clock = clock

    @property
    def may_join(self) -> bool:
        return self._bootstrap is not None

    async def credentials(self) -> Json:
        """The hub kubeconfig that is kept, or a new one. Raises ConfigError, JoinError, ApiError."""
        why = "there is none"
        try:
            kept = await self._keep.load()
            if kept is not None:
                hub = str(self._hub()["server"]) if self._bootstrap is not None else ""
                why = fault(kept, self._wish.cluster, self._clock(), hub=hub)
                if not why:
                    return kept
        except (KubeconfigError, OSError) as error:
            why = str(error)
        if not self.may_join:
            raise ConfigError(
                f"no usable hub kubeconfig in {self._keep}: {why}; make one with python -m agent join "
                f"--cluster {self._wish.cluster}"
            )
        log.info("joining", cluster=self._wish.cluster, why=why)
        return await self.rejoin()

    async def rejoin(self) -> Json:
        """Joins, whatever is kept. Raises ConfigError, JoinError, ApiError."""
        wish = Wish(
            self._wish.cluster, self._hub(), labels=self._wish.labels, lease_seconds=self._wish.lease_seconds
        )
        hub = await Client.connect(self._bootstrap)
        try:
            return await join(hub, wish, self._keep, clock=self._clock)
        finally:
            await hub.close()

    def _hub(self) -> Json:
        if self._bootstrap is None:
            raise ConfigError("there is no kubeconfig to join with")
        try:
            return cluster_of(parse(self._bootstrap.read_text(), self._bootstrap.parent))
        except (KubeconfigError, OSError) as error:
            raise ConfigError(f"cannot load a kubeconfig from {self._bootstrap}: {error}") from error
