"""The frame of a study's result file: when it was made, on what, and of which size. The figures are the study's own."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from hack.bench.results import Machine

SizeT = TypeVar("SizeT")
FiguresT = TypeVar("FiguresT")


class StudyResult(msgspec.Struct, Generic[SizeT, FiguresT], frozen=True, kw_only=True):
    """A run. `date` is what the person who started it says it is; `minutes`: how long all of it took. Each study counts
    its own `format`, from 1."""

    format: int = 1
    date: str
    revision: str
    machine: Machine
    versions: dict[str, str]
    size: SizeT
    figures: FiguresT
    minutes: float

    @property
    def problems(self) -> list[str]:
        """What went wrong, in words; nothing unless a study has something to check."""
        return []
