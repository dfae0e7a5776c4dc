"""What a run has measured so far: kept in a file from the first figure on, so that nothing that fails later loses it.

Also tells a person how far the run is. Measures nothing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from hack.bench import results
from hack.bench.results import Ceiling, Growth, Replicas, Result, Trip
from hack.fleet.progress import Progress, duration


class Record:
    """The result as it grows. `steps`: how many there will be; `path`: where it is kept, if anywhere."""

    def __init__(self, empty: Result, progress: Progress, steps: int, path: Path | None = None) -> None:
        self.result = empty
        self._progress = progress
        self._steps = steps
        self._path = path
        self._begun = 0
        self._begin = time.monotonic()

    @contextlib.contextmanager
    def group(self, name: str, steps: int) -> Iterator[None]:
        """A part of the run with so many steps. What fails in it is noted, and the run goes on behind it."""
        before = self._begun
        try:
            yield
        except Exception as error:  # whatever it is: the other groups have fleets of their own
            missing = f" and {left} more" if (left := before + steps - self._begun) else ""
            failure = (
                f"{name}: not all could be measured (step {self._begun - before}{missing}): {reason(error)}"
            )
            self._change(failures=[*self.result.failures, failure])
            self._progress.say(failure)
        finally:
            self._begun = before + steps

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One scenario, or one size of a series."""
        self._begun += 1
        spent = duration(time.monotonic() - self._begin)
        with self._progress.step(f"{self._begun} of {self._steps}, after {spent}: {title}"):
            yield

    def add(
        self,
        *,
        ceilings: Sequence[Ceiling] = (),
        trips: Sequence[Trip] = (),
        growth: Sequence[Growth] = (),
        replicas: Sequence[Replicas] = (),
    ) -> None:
        """Figures, in the order in which they were measured."""
        self._change(
            ceilings=[*self.result.ceilings, *ceilings],
            trips=[*self.result.trips, *trips],
            growth=[*self.result.growth, *growth],
            replicas=[*self.result.replicas, *replicas],
        )
        measured = [*trips, *(item.trip for item in growth), *(item.trip for item in replicas)]
        for problem in (problem for trip in measured for problem in trip.problems):
            self._progress.say(problem)

    def _change(self, **parts: object) -> None:
        minutes = round((time.monotonic() - self._begin) / 60, 1)
        self.result = msgspec.structs.replace(self.result, minutes=minutes, **parts)
        if self._path:
            results.save(self._path, self.result)


def reason(error: BaseException) -> str:
    """An error in one line; of a group of them the first one, which the others mostly follow from."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".replace("\n", " ")
