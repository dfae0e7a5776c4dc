"""Free TCP ports for servers that are started a moment later.

A port is chosen below the range that the kernel hands to outgoing connections, so nothing takes it by
accident, and is held by a lock file until the server listens, so that two fleets started at the same
moment never choose the same one.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO

from hack.fleet.errors import FleetError

RANGE = range(20_000, 32_000)


class Reservation:
    """Ports held for the caller until `release` (or the end of the `with` block, or of the process)."""

    def __init__(self, locks: Path | None = None) -> None:
        self._locks = locks or Path(tempfile.gettempdir()) / f"argosy-ports-{os.getuid()}"
        self._held: list[IO[str]] = []

    def take(self, attempts: int = 200) -> int:
        """A port of 127.0.0.1 that nobody listens on and no other Reservation holds."""
        self._locks.mkdir(mode=0o700, exist_ok=True)
        for port in random.sample(RANGE, attempts):
            lock = self._try_lock(port)
            if lock is None:
                continue
            if _is_free(port):
                self._held.append(lock)
                return port
            lock.close()
        raise FleetError(f"no free port found between {RANGE.start} and {RANGE.stop} on 127.0.0.1")

    def _try_lock(self, port: int) -> IO[str] | None:
        file = (self._locks / str(port)).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file

    def release(self) -> None:
        while self._held:
            # The file stays: unlinking it would let two processes lock two files of one name.
            self._held.pop().close()

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
