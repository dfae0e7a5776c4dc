"""The process that evaluates: reads questions from its standard input, writes answers to its standard output.

Its argument names what it evaluates, as `module:NAME`: a mapping from the name of an environment to the function that
compiles an expression there. The bounds are the kernel's: a timer of CPU time and a limit of memory end this process,
whatever the library is in the middle of. Nothing here is shared with the process that asks.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from controllers.cel import CelError
from controllers.expressions import bounds
from controllers.expressions.wire import Answer, Compiled, Question, line

# The type of the value and the value, for one document. Raises CelError.
Program = Callable[[Any], tuple[str, Any]]
# Raises CelError for an expression that does not compile.
Compiler = Callable[[str], Program]

# Bytes that a worker may have grown by when it makes room for a new one: the library leaks a little.
_WORN_OUT: Final = 48 << 20
_PAGE: Final = resource.getpagesize()
_LINUX: Final = sys.platform == "linux"


def serve(compilers: Mapping[str, Compiler], questions: BinaryIO, answers: BinaryIO) -> None:
    """Until there are no more questions, or the worker is worn out."""
    begin = _resident()
    decoder = msgspec.json.Decoder(Question)
    for asked in questions:
        question = decoder.decode(asked)
        documents = [questions.readline() for _ in range(question.documents)]
        _reply(compilers, question, documents, answers)
        answers.flush()
        if _resident() - begin > _WORN_OUT:
            return


def _reply(
    compilers: Mapping[str, Compiler], question: Question, documents: Sequence[bytes], answers: BinaryIO
) -> None:
    program: Program | None = None
    _bound_memory()
    try:
        with _bounded(bounds.SECONDS_TO_COMPILE):
            program = compilers[question.environment](question.expression)
        compiled = Compiled()
    except CelError as error:
        compiled = Compiled(str(error))
    except MemoryError:
        compiled = Compiled(bounds.too_large(), exceeded=True)
    answers.write(line(compiled))
    if question.each:
        answers.flush()
    if program is None:
        return
    allowed = bounds.SECONDS + bounds.SECONDS_PER_DOCUMENT * question.documents
    begin, dear = time.process_time(), 0
    together: list[Answer] = []
    for document in documents:
        answer = _answer(program, document)
        dear += answer.exceeded
        if dear == bounds.ENOUGH:
            answer = msgspec.structs.replace(answer, last=True)
        elif time.process_time() - begin > allowed:
            answer = Answer(error=bounds.too_slow(allowed), exceeded=True, last=True)
        together.append(answer)
        if question.each:
            answers.write(line(together))
            answers.flush()
            together.clear()
        if answer.last:
            break
    if together:
        answers.write(line(together))


def _answer(program: Program, document: bytes) -> Answer:
    try:
        with _bounded(bounds.SECONDS):
            kind, value = program(msgspec.json.decode(document))
    except CelError as error:
        return Answer(error=str(error))
    except MemoryError:
        return Answer(error=bounds.too_large(), exceeded=True)
    except Exception as error:  # of a function that we have added: no document may end the worker
        return Answer(error=f"{type(error).__name__}: {error}")
    if kind == "bool":
        return Answer(kind, bool(value))
    if kind != "string":
        return Answer(kind)
    return Answer(kind, str(value)[: bounds.TEXT])


@contextlib.contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """What takes longer ends the process, by SIGPROF."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _bound_memory() -> None:
    """From now on: the library ends the process where it gets no memory."""
    if _LINUX:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_mapped() + bounds.MEMORY, most))


def _mapped() -> int:
    return int(Path("/proc/self/statm").read_bytes().split()[0]) * _PAGE


def _resident() -> int:
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE if _LINUX else 0


def main() -> None:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _LINUX:
        # Where memory is short, this process goes first and not the one that asks.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    module, _, name = sys.argv[1].partition(":")
    compilers: Mapping[str, Compiler] = getattr(importlib.import_module(module), name)
    # The library may not print between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(compilers, sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
