"""Whether a Workflow was sent to a cluster before, whatever its annotations say now. Writes nothing.

An edit such as `kubectl replace` takes the cluster away from a Workflow that has run. Its ManifestWork is still there,
and as long as it is, the Workflow is never placed again: the manifestwork controller writes back what was taken.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from controllers.api.kinds import MANIFEST_WORK
from controllers.api.meta import parsed
from controllers.hub import works_of
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.ownership import carries, work_name_of
from controllers.runtime.cache import Reader
from controllers.runtime.clock import now

# Caches of a process that has just taken over may be behind what the one before it wrote. A Workflow that is older than
# this, and new to this process, is looked up on the server.
_YOUNG: Final = timedelta(seconds=60)


class Dispatched:
    """`works` are the hub's ManifestWorks, indexed BY_NAME; `now` is an aware time."""

    def __init__(self, client: Client, works: Reader, *, now: Callable[[], datetime] = now) -> None:
        self._client = client
        self._works = works
        self._now = now

    def is_known(self, workflow: Object) -> bool:
        """Whether the caches have a ManifestWork of this very Workflow, or know that there is one of its name."""
        return bool(self._works.settled_named(work_name_of(workflow)) or works_of(self._works, workflow))

    async def is_there(self, workflow: Object) -> bool:
        """Whether the server has one. Raises ApiError. Nothing is asked about a Workflow that is young."""
        if self._now() - parsed(workflow.metadata.creation_timestamp) < _YOUNG:
            return False
        selector = f"metadata.name={work_name_of(workflow)}"
        found, _ = await self._client.list(MANIFEST_WORK, field_selector=selector)
        return any(carries(work, workflow) for work in found)
