"""Renews the agent's certificate before it ends, and goes on with the new one without starting anew.

A certificate is asked for with the one before it. One that has ended, because the hub or the agent was away for too
long, is no use for that: then the cluster joins again, if the agent has credentials to do so.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from prometheus_client import Gauge

from agent.credentials import Keep
from agent.hub_kubeconfig import by_certificate, certificate_of
from agent.join import JoinError, renewed
from controllers.kube.client import Client
from controllers.kube.configuration import ConfigError
from controllers.kube.errors import ApiError
from controllers.kube.kubeconfig import KubeconfigError, cluster_of
from controllers.runtime.backoff import Backoff

log = structlog.get_logger(__name__)

Json = dict[str, Any]

# Seconds after which is looked whether another replica has renewed it.
_GLANCE: Final = 300.0
_RETRY: Final = Backoff(base=5.0, cap=300.0)

_ENDS: Final = Gauge(
    "argosy_agent_certificate_expiration_timestamp_seconds",
    "When the agent's client certificate for the hub ends.",
)


class Renewal:
    """Of the credentials in `keep`, which `hub` was connected with as `kubeconfig`. `rejoin` makes new ones with what
    the cluster joined with; None: there is nothing of that kind. `now` gives aware times."""

    def __init__(
        self,
        hub: Client,
        cluster: str,
        keep: Keep,
        kubeconfig: Json,
        *,
        rejoin: Callable[[], Awaitable[Json]] | None,
        now: Callable[[], datetime],
    ) -> None:
        self._hub = hub
        self._cluster = cluster
        self._keep = keep
        self._used = kubeconfig
        self._rejoin = rejoin
        self._now = now
        self._chance = random.random()  # noqa: S311 - spreads load, no secret

    async def run(self) -> None:
        """Until cancelled. What fails is tried again: there is half of the certificate's life for it."""
        failures = 0
        while True:
            try:
                wait = await self.look()
                failures = 0
            except (ApiError, ConfigError, JoinError, KubeconfigError, OSError) as error:
                wait = _RETRY.delay(failures)
                failures += 1
                log.warning(
                    "certificate_not_renewed", error=str(error), kept_in=str(self._keep), retry_in=wait
                )
            await asyncio.sleep(wait)

    async def look(self) -> float:
        """Renews if it is time; returns the seconds after which to look again. Raises what `run` catches."""
        kept = await self._keep.load()
        if kept is not None and kept != self._used:
            await self._use(kept)
            log.info("credentials_taken_over", kept_in=str(self._keep))
        certificate = certificate_of(self._used)
        if certificate is None or not certificate.is_ours(self._cluster):
            return _GLANCE  # whoever made it renews it
        _ENDS.set(certificate.ends.timestamp())
        now, due = self._now(), certificate.due(self._chance)
        if now < due:
            return min(_GLANCE, max(1.0, (due - now) / timedelta(seconds=1)))
        if now >= certificate.ends:
            if self._rejoin is None:
                raise JoinError(
                    f"the certificate has ended at {certificate.ends:%Y-%m-%d %H:%M} UTC: join again "
                    f"(python -m agent join --cluster {self._cluster})"
                )
            await self._use(await self._rejoin())
        else:
            pair = await renewed(self._hub, self._cluster, self._keep)
            kubeconfig = by_certificate(cluster_of(self._used), self._cluster, *pair)
            await self._keep.save(kubeconfig)
            await self._use(kubeconfig)
        ends = certificate_of(self._used)
        log.info("certificate_renewed", ends=ends and ends.ends.isoformat())
        return 1.0

    async def _use(self, kubeconfig: Json) -> None:
        await self._hub.renew(kubeconfig)
        self._used = kubeconfig
