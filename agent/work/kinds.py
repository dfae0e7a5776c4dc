"""Follows the kinds that the managed cluster serves: those that works wait for, and those that were relied on.

A CustomResourceDefinition that comes, changes or goes is the sign to look; what is served is said by discovery alone,
which comes a little later than the definition's last word. So it is asked again a few times after each sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import structlog

from agent.work.discovery import Discovery
from agent.work.lacking import Lacking, MissingKind
from agent.work.managed import ManagedObjects
from controllers.api.kinds import Kind
from controllers.runtime.backoff import Backoff
from controllers.runtime.cache import Change
from controllers.runtime.reconcile import Request, Result

log = structlog.get_logger(__name__)

# 0.05 + 0.1 + ... + 6.4 s: an API server that has others beside it takes 5 s to establish a definition.
_LOOKS: Final = 8
_LOOK_AGAIN: Final = Backoff(base=0.05, cap=10.0)


class KindsReconciler:
    """Request: an API group, as name. `wake` is called with the name of each work that is to be looked at."""

    def __init__(
        self, discovery: Discovery, lacking: Lacking, managed: ManagedObjects, wake: Callable[[str], None]
    ) -> None:
        self._discovery = discovery
        self._lacking = lacking
        self._managed = managed
        self._wake = wake
        self._looks: dict[str, int] = {}
        discovery.add_handler(self._changed)

    def heard(self, change: Change) -> Iterable[Request]:
        """The mapper of CustomResourceDefinitions, of which the name is enough: `<plural>.<group>`."""
        group = change.object.metadata.name.partition(".")[2]
        self._looks[group] = 0
        yield Request("", group)

    async def reconcile(self, request: Request, /) -> Result:
        group = request.name
        looks = self._looks.get(group, 0)
        versions = {kind.version for kind in self._discovery.known(group)}
        versions |= {lack.version for lack in self._lacking.kinds(group)}
        if not versions or looks >= _LOOKS:
            self._looks.pop(group, None)
            return Result.done()
        for version in sorted(versions):
            await self._discovery.load(group, version)
        # A sign that has come meanwhile begins anew.
        if self._looks.get(group) == looks:
            self._looks[group] = looks + 1
        return Result.recheck(after=_LOOK_AGAIN.delay(looks))

    def _changed(self, came: set[Kind], gone: set[Kind]) -> None:
        for kind in gone:
            log.info("kind_gone", kind=str(kind), version=kind.version)
            for work in sorted(self._managed.drop(kind)):
                self._wake(work)
        for kind in came | gone:
            self._lacking.arrived(MissingKind.of(kind))
