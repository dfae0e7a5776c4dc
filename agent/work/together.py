"""Writes that need not wait for each other. Nothing is under way any more when the caller goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def together(*writes: Awaitable[T]) -> list[T]:
    """Runs all of them to their end; then raises the error of the first that failed.

    With a plain gather the others would go on behind the back of a reconcile that has failed already, and the
    next reconcile of the same key would run beside them.
    """
    results = await asyncio.gather(*writes, return_exceptions=True)
    done: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done
