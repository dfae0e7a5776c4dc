"""The informers of one process: one per scope, shared by all who ask for it."""

from __future__ import annotations

from controllers.kube.client import Client
from controllers.runtime.informer import Informer
from controllers.runtime.manager import Manager
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.watch import InterestFunction, Scope


class Informers:
    """Hands out informers of one API server and registers each with the manager once."""

    def __init__(self, client: Client, manager: Manager) -> None:
        self._client = client
        self._manager = manager
        self._informers: dict[Scope, Informer] = {}
        self._views: dict[Scope, OwnWrites] = {}

    def of(
        self, scope: Scope, *, interest: InterestFunction | None = None, after: Informer | None = None
    ) -> Informer:
        """The informer of `scope`. Declare indexes and handlers on it before the manager runs.

        `interest` and `after` (see Informer) are of use to the first who asks for the scope.
        """
        if scope not in self._informers:
            informer = Informer(self._client, scope, interest=interest, after=after)
            self._informers[scope] = self._manager.add_informer(informer)
        return self._informers[scope]

    def __contains__(self, scope: Scope) -> bool:
        return scope in self._informers

    def view(self, scope: Scope) -> OwnWrites:
        """The one view of `scope` that includes this process's own writes."""
        if scope not in self._views:
            self._views[scope] = OwnWrites(self.of(scope))
        return self._views[scope]
