"""Whether the hub has gone back in time: its etcd was restored from a backup.

The witness is the cluster's own lease on the hub, which nobody but the agent writes: a lease that is older than one
that the agent has written means that the hub has lost what came in between. That holds however far the hub has come
since, and whatever revision its etcd was made to continue from. What was last seen is remembered on the managed
cluster, so that an agent that was down meanwhile finds out, too.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Awaitable, Callable

import structlog

from controllers.api.kinds import CONFIG_MAP
from controllers.api.meta import parsed, timestamp
from controllers.kube.client import Client
from controllers.kube.errors import ApiError, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import merge_patch

log = structlog.get_logger(__name__)

# Seconds between two writes of what was seen. An agent that starts anew finds a backup younger than that only if
# the lease was written meanwhile.
_REMEMBER = 300.0
_SEEN, _WENT_BACK_AT = "leaseVersion", "wentBackAt"


class HubHistory:
    """Of the hub with `hub_hash`, remembered in `namespace` of the managed cluster. `now` is an aware time.

    `went_back_at`: when the hub was last found to have gone back; None: not that anybody knows. Who has set
    `on_return` is told when it is found out.
    """

    def __init__(
        self,
        managed: Client,
        hub_hash: str,
        *,
        namespace: str,
        now: Callable[[], datetime.datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._managed = managed
        self._name = f"argosy-hub-{hub_hash[:16]}"
        self._namespace = namespace
        self._now = now
        self._clock = clock
        self._first = self._seen = 0  # resourceVersions of the lease: 0: none was seen yet
        self._loaded = False
        self._remember_at = 0.0
        self.went_back_at: datetime.datetime | None = None
        self.on_return: Callable[[], None] = lambda: None
        self.ask: Callable[[], Awaitable[None]] = _nobody

    async def look(self, lease: Object) -> None:
        """The lease as it was found, without a write of ours just before."""
        self._compare(int(lease.metadata.resource_version))
        await self._remember()

    async def wrote(self, lease: Object) -> None:
        """The lease as this agent has just written it."""
        self._compare(int(lease.metadata.resource_version))
        if self._clock() >= self._remember_at:
            await self._remember()

    def _compare(self, version: int) -> None:
        self._first = self._first or version
        if version < self._seen:
            self._went_back(version, self._seen)
            self._remember_at = 0.0
        self._seen = version

    def _went_back(self, version: int, seen: int) -> None:
        self.went_back_at = self._now()
        log.warning(
            "hub_went_back",
            lease_version=version,
            seen_before=seen,
            hint="the hub was restored from a backup: what ran here since then is not run again, and works that it "
            "has lost are kept (--restored-grace)",
        )
        self.on_return()

    async def _remember(self) -> None:
        """The managed cluster may be away, or not let us: the lease is renewed all the same."""
        try:
            await self._load()
            data = {_SEEN: str(self._seen)}
            if self.went_back_at is not None:
                data[_WENT_BACK_AT] = timestamp(self.went_back_at)
            await self._write(data)
        except ApiError as error:
            log.info("hub_history_not_kept", error=error.message, status=error.status)
        self._remember_at = self._clock() + _REMEMBER

    async def _load(self) -> None:
        if self._loaded:
            return
        found = await self._managed.find(CONFIG_MAP, self._name, namespace=self._namespace)
        data = (found.to_dict().get("data") or {}) if found is not None else {}
        self._loaded = True
        seen = str(data.get(_SEEN, ""))
        if self.went_back_at is None:
            self.went_back_at = _time(data.get(_WENT_BACK_AT))
        if seen.isdecimal() and self._first < int(seen[:18]):
            self._went_back(self._first, int(seen[:18]))

    async def _write(self, data: dict[str, str]) -> None:
        patch = merge_patch({"data": data})
        try:
            await self._managed.patch(CONFIG_MAP, self._name, patch, namespace=self._namespace)
        except NotFound:
            body = {"metadata": {"name": self._name}, "data": data}
            await self._managed.create(CONFIG_MAP, body, namespace=self._namespace)


def _time(text: object) -> datetime.datetime | None:
    try:
        return parsed(str(text)) if text else None
    except ValueError:
        return None  # somebody has put something else there


async def _nobody() -> None:
    """Where no lease is renewed, there is nothing to ask."""
