"""The contract between a controller and what it runs.

`reconcile(request)` brings the world one step closer to what the object named by `request` asks for. It
reads the present state itself: a request says that something may have changed, never what. It must be safe to
run again at any time and after a crash at any point. For one key it never runs twice at once.

The error policy (in `controllers.runtime.controller`, nowhere else):

- returning `Result.done()`: forget the key until something it watches changes
- returning `Result.recheck(after=seconds)`: run again then, for rules that depend on time
- returning `Result.when_idle(within=seconds)`: run again once the controller has nothing else to do, for what nobody
  waits for, and after that time in any case
- `Conflict` (409, or a JSON patch whose `test` failed): somebody wrote first; again after a short backoff, debug level
- `TooManyRequests`: again when the server says, and a backoff later, so that not all come at once
- `Unavailable`: the same, where the server has said; else again after backoff; warning level
- `Terminal`: cannot succeed until a person changes something; reported as an Event on the object, not retried
- `Unreadable`, or content that is nested too deeply to work on: the object is set aside, which is reported once; not
  retried until it changes, or after a minute where it is another than those whose changes want the key
- any other exception: again after backoff, error level
- cancellation propagates
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from controllers.kube.object import Object


class Request(NamedTuple):
    """The key of one object. `namespace` is "" for cluster-scoped kinds."""

    namespace: str
    name: str


class Result(NamedTuple):
    """What a reconcile wants next. Make it with `done`, `recheck` or `when_idle`."""

    after: float | None = None
    idle: bool = False

    @classmethod
    def done(cls) -> Result:
        return cls()

    @classmethod
    def recheck(cls, *, after: float) -> Result:
        """Run again in `after` seconds (> 0), unless something triggers it earlier."""
        return cls(after=after)

    @classmethod
    def when_idle(cls, *, within: float) -> Result:
        """Run again when no other key is ready or running, in `within` seconds (> 0) at the latest."""
        return cls(after=within, idle=True)


class Reconciler(Protocol):
    async def reconcile(self, request: Request, /) -> Result: ...


class Terminal(Exception):
    """A state that only a person can change. `regarding` gets an Event with `reason` and `message`."""

    def __init__(self, reason: str, message: str, *, regarding: Object | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.regarding = regarding
