"""Whether the hub answers. While it does not, works are not reported one by one: each would wait for an answer in vain.

So what the agent does on its cluster goes on at its pace, and the hub that comes back, or asks for patience, is not
met by all works at once. One voice goes on asking: the heartbeat.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

import structlog

from controllers.kube.errors import TooManyRequests, Unavailable

log = structlog.get_logger(__name__)

# Seconds after which a work asks again, should nobody have called it.
_FALLBACK: Final = 30.0
# Seconds without an answer to anybody after which those who wait give up. It doubles up to the longest, which is what a
# request may take: a big status over a thin line gets through in the end.
_QUIET: Final = 5.0
_LONGEST: Final = 40.0


class HubLine:
    """`clock`: monotonic seconds. Who has set `call` is told the works that were refused, once the hub answers, and who
    has set `ask` is told to find out when.

    `is_doubtful` says that what is known of the hub may be from before it was restored from a backup.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._not_before = 0.0
        self._quiet = _QUIET
        self._waiting: set[asyncio.Timeout] = set()
        self._refused: set[str] = set()
        self.is_silent = False
        self.is_doubtful: Callable[[], bool] = lambda: False
        self.call: Callable[[str], None] = _nobody
        self.ask: Callable[[], None] = _nothing

    @contextlib.asynccontextmanager
    async def use(self, work: str) -> AsyncIterator[None]:
        """For requests to the hub about a work. Raises Unavailable, before they begin, if it is no time for them, and
        when the hub falls silent meanwhile."""
        left = self._not_before - self._clock()
        if left > 0:
            raise Unavailable("the hub has asked for patience", retry_after=left)
        if self.is_silent or self.is_doubtful():
            self._refused.add(work)
            what = (
                "the hub does not answer"
                if self.is_silent
                else "a watch of the hub broke and is not back yet"
            )
            raise Unavailable(what, retry_after=_FALLBACK)
        try:
            async with self._patience():
                yield
        except (Unavailable, TooManyRequests) as error:
            if error.retry_after:
                self._not_before = max(self._not_before, self._clock() + error.retry_after)
            elif not error.status:
                self._refused.add(work)
                self._fall_silent(error.message)
            raise
        self._quiet = _QUIET
        self._heard()

    def answers(self) -> None:
        """The hub was heard by somebody else."""
        if self.is_silent:
            log.info("hub_answers", works_waiting=len(self._refused))
        self.is_silent = False
        self._heard()
        self.resume()

    def resume(self) -> None:
        """Calls those that were refused, if that is over."""
        if self.is_silent or self.is_doubtful():
            return
        refused, self._refused = self._refused, set()
        for work in refused:
            self.call(work)

    @contextlib.asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        timeout = asyncio.timeout(self._quiet)
        try:
            async with timeout:
                self._waiting.add(timeout)
                try:
                    yield
                finally:
                    self._waiting.discard(timeout)
        except TimeoutError as error:
            raise Unavailable(f"the hub has answered nobody for {self._quiet:.0f} s") from error

    def _heard(self) -> None:
        """Who still waits may wait anew: the hub is there, and has much to do."""
        deadline = asyncio.get_running_loop().time() + self._quiet
        for timeout in self._waiting:
            timeout.reschedule(deadline)

    def _fall_silent(self, why: str) -> None:
        if not self.is_silent:
            log.warning("hub_silent", error=why)
            self._quiet = min(2 * self._quiet, _LONGEST)
        self.is_silent = True
        self.ask()


def _nobody(_: str) -> None:
    """Nobody wants to be called."""


def _nothing() -> None:
    """Nobody asks."""
