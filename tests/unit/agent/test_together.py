"""Writes side by side: whoever waits for them has nothing going on behind its back."""

from __future__ import annotations

import asyncio

import pytest

from agent.work.together import together


async def test_results_come_in_the_order_of_the_writes() -> None:
    async def slow() -> str:
        await asyncio.sleep(0.01)
        return "slow"

    async def fast() -> str:
        return "fast"

    assert await together(slow(), fast()) == ["slow", "fast"]


async def test_the_first_error_is_raised_after_all_have_ended() -> None:
    ended = []

    async def fails() -> None:
        raise ValueError("first")

    async def works() -> None:
        await asyncio.sleep(0.01)
        ended.append("works")
        raise KeyError("second")

    with pytest.raises(ValueError, match="first"):
        await together(fails(), works())
    assert ended == ["works"]


async def test_cancelling_cancels_all_and_waits_for_them() -> None:
    ended = []

    async def works(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    task = asyncio.create_task(together(works("a"), works("b")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == ["a", "b"]
