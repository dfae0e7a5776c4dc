"""Waiting for a condition with a deadline: the only way in which tests wait."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    probe: Callable[[], Awaitable[T | None]], *, within: float = ..., what: str = ...
) -> T: ...
@overload
async def eventually(probe: Callable[[], T | None], *, within: float = ..., what: str = ...) -> T: ...
async def eventually(probe: Callable[[], Any], *, within: float = 30.0, what: str = "") -> Any:
    """Calls `probe` until it gives something true, and returns that; AssertionError after `within` seconds.

    An AssertionError of the probe counts as "not yet", and is shown when time is up.
    """
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            result = probe()
            found = await result if inspect.isawaitable(result) else result
            if found:
                return found
            last = found
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or 'it'} did not come true within {within:.0f} s; last: {last}")
        await asyncio.sleep(0.02)
