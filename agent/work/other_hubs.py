"""What this agent has applied for a hub that it serves no longer: after a grace it goes.

The hub may only have got another address. Then its works are applied anew under the new one, own what they want to
have, and nothing of that is removed.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.work.claim import Claims
from agent.work.eviction import Eviction
from controllers.kube.object import Object
from controllers.runtime.cache import Change
from controllers.runtime.reconcile import Request, Result


class OtherHubs:
    """Request: an AppliedManifestWork of another hub. `claims` tell this agent's traces from those of an agent that
    serves another hub at the same time."""

    def __init__(self, eviction: Eviction, claims: Claims) -> None:
        self._eviction = eviction
        self._claims = claims

    async def reconcile(self, request: Request, /) -> Result:
        return await self._eviction.evict_of_another_hub(request.name)

    def left(self, change: Change) -> Iterable[Request]:
        """The mapper of AppliedManifestWorks: when one is met, and when somebody deletes it."""
        old, new = change
        if new is None or not self._is_left(new):
            return
        if old is None or old.metadata.deletion_timestamp != new.metadata.deletion_timestamp:
            yield Request("", new.metadata.name)

    def _is_left(self, applied: Object) -> bool:
        return self._claims.is_ours(applied) and not self._claims.is_made(applied.metadata.name)
