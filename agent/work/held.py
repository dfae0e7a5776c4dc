"""Works that a restored hub has lost, and whose objects stay for now: said once for all of them, in log and Event."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable

import structlog

from controllers.api.meta import timestamp
from controllers.kube.object import Object
from controllers.runtime.events import Recorder

log = structlog.get_logger(__name__)

REASON = "WorksHeld"
# Seconds in which more of them come.
_GATHER = 2.0
# So many names fit into an Event, whatever their length.
_NAMED = 4


class Held:
    """`regarding` gives the object that the Event is about, None while it is not known."""

    def __init__(self, recorder: Recorder, regarding: Callable[[], Object | None]) -> None:
        self._recorder = recorder
        self._regarding = regarding
        self._traces: dict[str, str] = {}
        self._until: dict[str, datetime.datetime] = {}
        self._unsaid: set[str] = set()
        self._added = asyncio.Event()

    def add(self, work: str, trace: str, until: datetime.datetime) -> None:
        """What `work` has applied stays until then; `trace` is the name of its AppliedManifestWork. Said again only if
        that changes."""
        self._traces[work] = trace
        if self._until.get(work) != until:
            self._until[work] = until
            self._unsaid.add(work)
            self._added.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._added.wait()
            await asyncio.sleep(_GATHER)
            self._added.clear()
            self._say(sorted(self._unsaid))
            self._unsaid.clear()

    def _say(self, works: list[str]) -> None:
        until = timestamp(max(self._until[work] for work in works))
        hint = (
            "to keep their objects, make the works again under the same names; to remove them now, delete the "
            f"AppliedManifestWorks on the cluster (that of {works[0]} is {self._traces[works[0]]})"
        )
        log.warning("works_held", works=works, until=until, hint=hint)
        regarding = self._regarding()
        if regarding is not None:
            names = ", ".join(works[:_NAMED]) + (", ..." if len(works) > _NAMED else "")
            text = f"The hub was restored from a backup and lost {len(works)} ManifestWorks of this cluster: {names}"
            self._recorder.warning(regarding, REASON, f"{text}. Their objects stay until {until}; {hint}.")
