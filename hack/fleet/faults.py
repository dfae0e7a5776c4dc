"""What a provider can do to its running clusters so that tests see how Argosy takes it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Faults(Protocol):
    """A fleet whose clusters can be hurt. `cluster` is the hub's or a managed cluster's name.

    Nothing is lost by either fault, and both calls of a pair may be repeated.
    """

    def pause(self, cluster: str) -> None:
        """Freeze every process of the cluster: connections stay open, and nothing answers."""

    def unpause(self, cluster: str) -> None:
        """Let the cluster's processes go on where they were."""

    def partition(self, cluster: str) -> None:
        """Cut the cluster off: connections to it break, new ones are refused, and it goes on alone."""

    def heal(self, cluster: str) -> None:
        """Connect the cluster again, at the address it had."""
