"""Log lines of a process: one JSON object each, with the context that was bound."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from controllers.runtime import logs

_PROGRAM = """
import structlog
from controllers.runtime import logs
logs.configure(level="info", log_format="json")
log = structlog.get_logger("test")
log.debug("not_shown")
with structlog.contextvars.bound_contextvars(namespace="n", name="a"):
    log.info("something_happened", odd={"a", }, text="ünï")
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("failed")
log.info("long", text="x" * 50_000)
deep = []
for _ in range(5000):
    deep = [deep]
log.info("deep", value=deep, text="shown")
import logging
logging.getLogger("library").warning("from a library")
"""


def test_lines_are_json_with_their_context() -> None:
    """In a process of its own: what is configured there is for a whole process."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    happened, failed, long, deep, library = done.stderr.splitlines()
    first = msgspec.json.decode(happened)
    assert (
        first.items()
        >= {
            "event": "something_happened",
            "level": "info",
            "namespace": "n",
            "name": "a",
            "text": "ünï",
        }.items()
    )
    assert first["timestamp"].endswith("Z")
    second = msgspec.json.decode(failed)
    assert second["level"] == "error"
    assert second["exception"][0]["exc_type"] == "ValueError"
    assert len(msgspec.json.decode(long)["text"]) == 2000
    assert (
        msgspec.json.decode(deep).items()
        >= {"event": "deep", "text": "shown", "not_logged": "RecursionError"}.items()
    )
    assert library == "WARNING library from a library"
    assert done.stdout == ""


def test_an_unknown_level_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="debug, info, warning or error"):
        logs.configure(level="loud")
