"""What one expression may take, and the words for one that takes more."""

from __future__ import annotations

import signal
from typing import Final

# Seconds of CPU time for one evaluation. What people write takes some 50 microseconds.
SECONDS: Final = 0.1
# Seconds of CPU time that each further document adds to what a question about many of them may take together.
SECONDS_PER_DOCUMENT: Final = 0.001
# Seconds of CPU time to compile an expression: 20 KB of it take some 0.06 s.
SECONDS_TO_COMPILE: Final = 0.3
# Documents on which an expression may go over a bound: after that the expression is to blame, not what is in them.
ENOUGH: Final = 3
# Bytes of memory that one evaluation may add to the worker.
MEMORY: Final = 64 << 20
# Characters that are left of a text that an expression gives: a condition's message has no more.
TEXT: Final = 32_768

# Characters of an expression that are shown.
_SHOWN: Final = 100

_ADVICE: Final = "make the expression cheaper"


def too_slow(seconds: float) -> str:
    return f"took more than {seconds:g} s of CPU time: {_ADVICE}"


def too_large() -> str:
    return f"took more than {MEMORY >> 20} MB of memory: {_ADVICE}"


def told(expression: str, why: str) -> str:
    """For whom does not see the expression."""
    shown = expression if len(expression) <= _SHOWN else expression[:_SHOWN] + "..."
    return f"the expression {shown!r} {why}"


def ending(number: int) -> str | None:
    """What an evaluation did that ended its worker by this signal; None: it was not the evaluation's doing."""
    match number:
        case signal.SIGPROF:
            return too_slow(SECONDS)
        case signal.SIGABRT:  # so ends C++ that gets no memory
            return too_large()
        case signal.SIGSEGV | signal.SIGBUS | signal.SIGILL | signal.SIGFPE:
            return f"crashed the CEL library ({signal.Signals(number).name}): write it in another way"
    return None
