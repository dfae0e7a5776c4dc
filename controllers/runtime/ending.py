"""How a command of Argosy ends: what it says then, and its exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable

from controllers.kube.configuration import ConfigError
from controllers.kube.errors import ApiError

DONE, FAILED, WRONG_USE = 0, 1, 2
INTERRUPTED = 130


def exit_status(
    run: Callable[[], object],
    *,
    failures: tuple[type[Exception], ...] = (),
    wrong_use: tuple[type[Exception], ...] = (),
    refusal: str = "",
) -> int:
    """Runs a command, and prints the error that it ends with, if it is one that was explained to its user.

    0: done or stopped as asked; 1: one of `failures`, or an API server's refusal, which is introduced by `refusal`;
    2: a ConfigError, or one of `wrong_use`; 130: interrupted.
    """
    wrong: tuple[type[Exception], ...] = (ConfigError, *wrong_use)
    try:
        run()
    except wrong as error:
        return _ended(WRONG_USE, str(error))
    except ApiError as error:
        return _ended(FAILED, refusal + error.message)
    except failures as error:
        return _ended(FAILED, str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    return DONE


def _ended(status: int, why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return status
