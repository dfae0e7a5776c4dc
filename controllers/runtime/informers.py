"""The informers of one process: one per scope, shared by all who ask for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from controllers.kube.client import Client
from controllers.runtime.aside import SetAside
from controllers.runtime.informer import Informer
from controllers.runtime.manager import Manager
from controllers.runtime.own_writes import OwnWrites
from controllers.runtime.scope import InterestFunction, Keep, Scope, whole

T = TypeVar("T")


class WentBackError(Exception):
    """The API server is at an earlier state than one that was seen: its etcd was restored from a backup."""


class Informers:
    """Hands out informers of one API server and registers each with the manager once.

    With `end_on_rewind` a server that went back ends the process, so that it starts anew. Else each informer goes back
    when it finds out, and whoever reads two of them may see, for seconds, one from before and one from after. What none
    of their users can do anything with is reported to `aside`.
    """

    def __init__(
        self,
        client: Client,
        manager: Manager,
        *,
        end_on_rewind: bool = False,
        aside: SetAside | None = None,
    ) -> None:
        self._client = client
        self._manager = manager
        self._end_on_rewind = end_on_rewind
        self.aside = aside or SetAside()
        self._informers: dict[Scope, Informer] = {}
        self._views: dict[Scope, OwnWrites] = {}
        self._shared: dict[type[Any], Any] = {}

    def of(
        self,
        scope: Scope,
        *,
        interest: InterestFunction | None = None,
        after: Informer | None = None,
        keep: Keep = whole,
        optional: bool = False,
    ) -> Informer:
        """The informer of `scope`. Declare indexes and handlers on it before the manager runs.

        The rest (see Informer) is of use to the first who asks for the scope.
        """
        if scope not in self._informers:
            informer = Informer(
                self._client,
                scope,
                interest=interest,
                after=after,
                keep=keep,
                optional=optional,
                aside=self.aside,
            )
            if self._end_on_rewind:
                informer.on_rewind(_end)
            self._informers[scope] = self._manager.add_informer(informer)
        return self._informers[scope]

    def __contains__(self, scope: Scope) -> bool:
        return scope in self._informers

    def view(self, scope: Scope) -> OwnWrites:
        """The one view of `scope` that includes this process's own writes."""
        if scope not in self._views:
            self._views[scope] = OwnWrites(self.of(scope))
        return self._views[scope]

    def shared(self, kind: type[T], make: Callable[[], T]) -> T:
        """The one `kind` that is fed by these informers, made by the first who asks."""
        if kind not in self._shared:
            self._shared[kind] = make()
        found: T = self._shared[kind]
        return found


def _end() -> None:
    raise WentBackError(
        "the API server went back to an earlier state, as with a restored backup: start this process again, to work "
        "by what is there now"
    )
