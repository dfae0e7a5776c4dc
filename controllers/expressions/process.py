"""The worker as a child process: starting it, one exchange, how it has ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from controllers.expressions.wire import Answer, Compiled, Question, line

# Seconds after which a worker that has not answered is ended. Its own timer counts CPU time, this one a clock: only a
# machine that has stopped gets here.
_PATIENCE: Final = 60.0
_LONGEST_LINE: Final = 4 << 20


class Ended(Exception):
    """The worker has ended before it had answered; `signal`: by which one, 0: by none."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"the worker ended, signal {signal}")
        self.signal = signal


@dataclass
class Reply:
    """What has come so far. `compiled` None: nothing."""

    compiled: Compiled | None = None
    answers: list[Answer] = field(default_factory=list)

    def is_complete(self, documents: int) -> bool:
        if self.compiled is None:
            return False
        is_last = bool(self.answers) and self.answers[-1].last
        return bool(self.compiled.error) or is_last or len(self.answers) == documents


class Worker:
    """After `Ended`, or when an exchange was cancelled, it is of no use any more: `end` it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, compilers: str) -> Worker:
        """Raises OSError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "controllers.expressions.worker",
            compilers,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path))
            },  # nothing else of ours is its business
            limit=_LONGEST_LINE,
            start_new_session=True,  # Ctrl-C at a terminal is for us to handle
        )
        return cls(process)

    async def exchange(self, question: Question, documents: Sequence[bytes], reply: Reply) -> None:
        """Fills `reply`; `documents`: of `question`, without line breaks. Raises Ended."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._exchange(question, documents, reply)
        except TimeoutError:
            self._kill()
            await self._process.wait()
            raise Ended(0) from None

    async def end(self) -> None:
        """Whatever it does."""
        self._kill()
        await self._process.communicate()

    async def _exchange(self, question: Question, documents: Sequence[bytes], reply: Reply) -> None:
        asked, answers = self._process.stdin, self._process.stdout
        if asked is None or answers is None:
            raise Ended(0)
        with contextlib.suppress(ConnectionError):  # it has ended: seen below
            asked.write(line(question) + b"".join(document + b"\n" for document in documents))
            await asked.drain()
        while not reply.is_complete(question.documents):
            found = await answers.readline()
            if not found.endswith(b"\n"):
                raise Ended(max(0, -await self._process.wait()))
            if reply.compiled is None:
                reply.compiled = msgspec.json.decode(found, type=Compiled)
            else:
                reply.answers += msgspec.json.decode(found, type=list[Answer])

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
