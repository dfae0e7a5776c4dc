"""One command at a time per fleet directory."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from hack.fleet.errors import FleetError
from hack.fleet.layout import Layout


@contextlib.contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """Hold the fleet's directory; FleetError at once if another command holds it.

    The kernel lets go of it when the command ends, however it ends; the fleet's own processes don't inherit it.
    """
    layout.root.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise FleetError(
                f"another command (pid {holder}) is working on the fleet in {layout.root}"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
