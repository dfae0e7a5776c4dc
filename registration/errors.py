"""What ends a command of `python -m registration`."""

from __future__ import annotations


class CommandError(Exception):
    """It could not be done; the text says what to do."""
