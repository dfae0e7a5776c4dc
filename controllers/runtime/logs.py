"""structlog for the process: JSON lines in a pod, colours on a terminal.

A constant event name with keys, never a sentence with values in it. Context (controller, namespace, name) is
bound by the controller around each reconcile.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Final, Literal

import msgspec
import structlog
from structlog.tracebacks import ExceptionDictTransformer

from controllers.api.echo import echoed

# Characters. A condition of a Placement with all its reasons, or an API server's refusal, is shorter.
_LONGEST: Final = 2000

LogFormat = Literal["auto", "json", "console"]


def configure(*, level: str = "info", log_format: LogFormat = "auto") -> None:
    """Sets up logging once, at the start. `auto`: console when stderr is a terminal. ValueError: unknown level."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"unknown log level {level!r}; use debug, info, warning or error")
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    processors: list[structlog.typing.Processor]
    if console:
        processors = [*shared, _short, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        factory: Callable[..., structlog.typing.WrappedLogger] = structlog.PrintLoggerFactory(sys.stderr)
    else:
        processors = [
            *shared,
            # Without local variables: they are long, and may hold what must not be in a log.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            _short,
            structlog.processors.JSONRenderer(serializer=_encode),
        ]
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    # Libraries that use the standard library's logging come out as plain warnings.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


def _short(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """No value is longer than what somebody reads: much of it was written by users."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > _LONGEST:
            event[key] = echoed(value, _LONGEST)
    return event


def _encode(event: structlog.typing.EventDict, **_: object) -> bytes:
    try:
        return msgspec.json.encode(event, enc_hook=str)
    except (
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:  # a value that is no JSON is no reason to fail
        plain = {
            key: value.encode(errors="replace").decode()
            for key, value in event.items()
            if isinstance(value, str)
        }
        return msgspec.json.encode({**plain, "not_logged": type(error).__name__})
