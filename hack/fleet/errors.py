"""What can go wrong with a fleet, said so that a person knows what to do next.

FleetError            anything that ends a command with exit status 1 and a message
├── PartFailed        a process died, or was not ready in time
├── BinaryUnavailable no way of getting a binary worked
├── ApiFailed         an API server refused a request, or did not answer
└── Cancelled         the command was interrupted while it worked
"""

from __future__ import annotations

from pathlib import Path


class FleetError(Exception):
    """A failure to be shown as its message, without a traceback."""


class Cancelled(FleetError):
    """Raised inside a wait when the command is being interrupted."""


class BinaryUnavailable(FleetError):
    """A binary is neither installed, nor cached, nor downloadable, nor buildable here."""


class ApiFailed(FleetError):
    """An API server answered with an error. `status` is the HTTP code, 0 if there was no answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class PartFailed(FleetError):
    """One process of the fleet died or was not ready by its deadline; the message ends with its log."""

    def __init__(self, part: str, what: str, log: Path) -> None:
        tail = "\n".join(f"    {line}" for line in last_lines(log)) or "    (empty)"
        super().__init__(f"{part} {what}\n  last lines of {log}:\n{tail}")
        self.part = part


def last_lines(log: Path, count: int = 12, width: int = 400) -> list[str]:
    """The end of a log file, long lines cut; nothing if the file can't be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64 * 1024))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    return [line if len(line) <= width else line[:width] + " …" for line in lines[-count:]]
