"""The book of what has run on this cluster, kept in ConfigMaps of it.

It outlives the agent, the copies and the AppliedManifestWorks, so that a hub which is restored from an older backup,
and has works again that ended long ago, does not have them run again. Owns loading, writing and the bound of the book;
what stands in it is `agent.decide.ledger`'s. Entries are gathered: one write takes all that wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable

import structlog

from agent.decide.ledger import DEFAULT_RUNS, End, Pages
from controllers.api.kinds import CONFIG_MAP
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, ApiError, Forbidden, NotFound
from controllers.kube.patch import merge_patch
from controllers.runtime.backoff import RECONNECT

log = structlog.get_logger(__name__)

# The value is the hub whose runs a page holds: the first characters of its hash, as many as tell hubs apart.
LABEL = "argosy.io/ledger"
_HASH = 16
# Seconds for which entries gather that nobody waits for.
_GATHER = 1.0
# Seconds that a write waits for more, if the last one was so many seconds ago: many works go at once then.
_LINGER, _BURST = 0.01, 0.25
# Seconds that are left for it when the agent stops.
_LAST = 5.0
# Seconds after which a book that may not be written is tried again.
_DENIED = 60.0


class Ledger:
    """In `namespace` of the managed cluster, for the hub with `hub_hash`. `clock`: monotonic seconds.

    Without permission, or without the namespace, the agent works on as if there were no book, and its log says so.
    """

    def __init__(
        self,
        managed: Client,
        hub_hash: str,
        *,
        namespace: str,
        runs: int = DEFAULT_RUNS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._managed = managed
        self._hub = hub_hash[:_HASH]
        self._namespace = namespace
        self._clock = clock
        self._runs = runs
        self._pages = Pages(runs)
        self._pending: dict[str, End] = {}
        self._entered = asyncio.Event()
        self._loaded = False
        self._denied_until = 0.0
        self._wrote_at = -math.inf
        self._loading, self._writing = asyncio.Lock(), asyncio.Lock()

    async def load(self) -> None:
        """Reads the book, unless that was done before. Raises ApiError; then nothing may be taken for new."""
        async with self._loading:
            if self._loaded or self._is_denied():
                return
            try:
                found, _ = await self._managed.list(
                    CONFIG_MAP, namespace=self._namespace, label_selector=LABEL
                )
            except Forbidden as error:
                self._deny(error)
                return
            for item in found:
                mine = item.metadata.labels[LABEL] == self._hub
                self._pages.load(
                    self._number(item.metadata.name) if mine else None, item.to_dict().get("data") or {}
                )
            self._loaded = True
            log.info("ledger_loaded", runs=len(self._pages), namespace=self._namespace)

    async def find(self, run: str) -> End | None:
        """How a run ended that this cluster has seen before; None for a new one. Raises ApiError."""
        await self.load()
        return self._pending.get(run) or self._pages.find(run)

    def enter(self, run: str, end: End) -> None:
        """Puts down how a run ended; it is written soon. The first word on it stands."""
        if run and run not in self._pending and self._pages.find(run) is None:
            self._pending[run] = end
            self._entered.set()
            if len(self._pending) > self._runs:  # it can't be written for long
                del self._pending[next(iter(self._pending))]

    async def flush(self) -> None:
        """Returns once everything that was entered before is written. Raises ApiError."""
        if not self._pending:
            return
        await self.load()
        # Who comes while a write is under way waits for it here; the first of them writes for all.
        async with self._writing:
            if not self._pending or not self._loaded or self._is_denied():
                return
            if self._clock() - self._wrote_at < _BURST:
                await asyncio.sleep(_LINGER)
            try:
                await self._write(dict(self._pending))
                self._wrote_at = self._clock()
            except (Forbidden, NotFound) as error:
                self._deny(error)

    async def run(self) -> None:
        """Writes what nobody waits for, until cancelled; then the rest of it."""
        try:
            await self._gather()
        finally:
            with contextlib.suppress(ApiError, TimeoutError):
                async with asyncio.timeout(_LAST):
                    await self.flush()

    async def _gather(self) -> None:
        failures = 0
        while True:
            await self._entered.wait()
            self._entered.clear()
            await asyncio.sleep(_GATHER)
            try:
                await self.flush()
                failures = 0
            except ApiError as error:
                delay = RECONNECT.delay(failures)
                failures += 1
                log.warning("ledger_not_written", error=error.message, status=error.status, retry_in=delay)
                self._entered.set()
                await asyncio.sleep(delay)

    async def _write(self, batch: dict[str, End]) -> None:
        for number, part in self._pages.placed(batch):
            await self._add(number, part)
            self._pages.add(number, part)
            for run in part:
                self._pending.pop(run, None)
        for number in self._pages.surplus():
            try:
                await self._managed.delete(CONFIG_MAP, self._name(number), namespace=self._namespace)
            except NotFound:
                log.debug("ledger_page_gone", page=number)
            self._pages.drop(number)

    async def _add(self, number: int, part: dict[str, str]) -> None:
        """Adds to a page; one that somebody has deleted is written anew as it was."""
        name, known = self._name(number), self._pages.page(number)
        patch = merge_patch({"data": part})
        try:
            if known:
                await self._managed.patch(CONFIG_MAP, name, patch, namespace=self._namespace)
                return
        except NotFound:
            log.warning("ledger_page_was_deleted", page=name, runs=len(known))
        body = {"metadata": {"name": name, "labels": {LABEL: self._hub}}, "data": known | part}
        try:
            await self._managed.create(CONFIG_MAP, body, namespace=self._namespace)
        except AlreadyExists:  # begun by another agent of this hub, just before it lost the lease
            await self._managed.patch(CONFIG_MAP, name, patch, namespace=self._namespace)

    def _name(self, number: int) -> str:
        return f"argosy-ledger-{self._hub}-{number:06}"

    def _number(self, name: str) -> int | None:
        number = name.removeprefix(f"argosy-ledger-{self._hub}-")
        return int(number) if number.isdecimal() and len(number) < 12 else None

    def _is_denied(self) -> bool:
        return self._clock() < self._denied_until

    def _deny(self, error: ApiError) -> None:
        """What is entered stays in memory, and is tried again after a while."""
        if not self._denied_until:
            log.warning(
                "ledger_not_kept",
                error=error.message,
                hint=f"let the agent list, create, patch and delete configmaps in namespace {self._namespace} of the "
                "cluster (--ledger-namespace): without them, a hub that is restored from an older backup may have "
                "Workflows run again",
            )
        self._denied_until = self._clock() + _DENIED
