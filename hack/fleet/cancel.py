"""Interrupting work that runs in several threads: one flag, and waits that notice it."""

from __future__ import annotations

import threading

from hack.fleet.errors import Cancelled


class Cancellation:
    """Set once, never cleared."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    def check(self) -> None:
        """Raise `Cancelled` if the work is to end."""
        if self._event.is_set():
            raise Cancelled("interrupted")

    def pause(self, seconds: float = 0.05) -> None:
        """Wait, unless or until the work is to end."""
        self._event.wait(seconds)
        self.check()
