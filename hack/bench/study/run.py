"""A study's run: a bare hub, clients of it, steps that say how far it is, and what the figures were measured on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol, TypeVar

from controllers.kube.errors import ApiError
from hack.bench import machine
from hack.bench.record import reason
from hack.bench.study.result import StudyResult
from hack.bench.testbed import Clients, Testbed, testbed
from hack.fleet.errors import FleetError
from hack.fleet.progress import Progress, duration

Step = Callable[[str], contextlib.AbstractContextManager[object]]


class Checked(Protocol):
    """A study's size."""

    def check(self) -> None:
        """FleetError for a size that leaves something unmeasured."""


SizeT = TypeVar("SizeT", bound=Checked)
FiguresT = TypeVar("FiguresT")
ResultT = TypeVar("ResultT", bound=StudyResult[Any, Any])

Take = Callable[[Testbed, Clients, SizeT, Step], Awaitable[FiguresT]]


def measure(
    kind: type[ResultT], size: SizeT, date: str, progress: Progress, *, steps: int, take: Take[SizeT, object]
) -> ResultT:
    """The result with the figures that `take` has taken in so many steps.

    Raises FleetError. The fleet's logs stay if something went wrong.
    """
    size.check()
    begin = time.monotonic()
    with testbed(0, progress) as bed:
        bed.keep_logs = True
        figures = asyncio.run(_connected(bed, size, _numbered(progress, steps), take))
        result = kind(
            date=date,
            revision=machine.revision(),
            machine=machine.describe(),
            versions=machine.versions(),
            size=size,
            figures=figures,
            minutes=round((time.monotonic() - begin) / 60, 1),
        )
        bed.keep_logs = bool(result.problems)
    return result


def _numbered(progress: Progress, steps: int) -> Step:
    """Steps that say how far a run of so many is."""
    begin, numbers = time.monotonic(), iter(range(1, steps + 1))

    @contextlib.contextmanager
    def step(title: str) -> Iterator[object]:
        spent = duration(time.monotonic() - begin)
        with progress.step(f"{next(numbers)} of {steps}, after {spent}: {title}") as shown:
            yield shown

    return step


async def _connected(bed: Testbed, size: SizeT, step: Step, take: Take[SizeT, FiguresT]) -> FiguresT:
    async with bed.connected() as clients:
        try:
            return await take(bed, clients, size, step)
        except (ExceptionGroup, ApiError) as error:  # of many writes the first one says what the others say
            raise FleetError(reason(error)) from error
