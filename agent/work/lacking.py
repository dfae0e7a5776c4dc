"""What works wait for on the managed cluster: kinds that it does not serve, namespaces that it does not have.

Knows which works are to be looked at again when one of them comes. Looks for nothing itself, and forgets with the
process: what is not known here is found again by the next attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple, Self

from controllers.api.kinds import Kind


class MissingKind(NamedTuple):
    """A kind in a version: no served resource has it, or the agent may not watch it."""

    group: str
    version: str
    kind: str

    @classmethod
    def of(cls, kind: Kind) -> Self:
        return cls(kind.group, kind.version, kind.kind)


class MissingNamespace(NamedTuple):
    """A namespace that is not there, or is on its way out."""

    name: str


Lack = MissingKind | MissingNamespace


class Lacking:
    """`wake` is called with the name of each work that waits for what has come."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._works: dict[Lack, set[str]] = {}
        self._lacks: dict[str, set[Lack]] = {}

    def expect(self, work: str, lack: Lack) -> None:
        """Before it is tried whether it is there: what comes between the attempt and its answer is not missed."""
        self._works.setdefault(lack, set()).add(work)
        self._lacks.setdefault(work, set()).add(lack)

    def settle(self, work: str, lacks: Collection[Lack]) -> None:
        """After the attempt: of what was expected, this was missing. None of it: the work waits for nothing."""
        for lack in self._lacks.pop(work, set()).difference(lacks):
            works = self._works[lack]
            works.discard(work)
            if not works:
                del self._works[lack]
        for lack in lacks:
            self.expect(work, lack)

    def kinds(self, group: str) -> list[MissingKind]:
        """The kinds of a group that are waited for."""
        return [lack for lack in self._works if isinstance(lack, MissingKind) and lack.group == group]

    def arrived(self, lack: Lack) -> None:
        """It is there, or something else has become of it: those that wait for it look again."""
        for work in sorted(self._works.get(lack, ())):
            self._wake(work)
