"""What our processes say about themselves on /metrics: how much they work."""

from __future__ import annotations

import json
from collections import Counter

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.processes import Process


async def scrape(process: Process) -> Counter[str]:
    """Every metric by name, summed over its labels."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port(process)}/metrics") as answer,
    ):
        text = await answer.text()
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] += sample.value  # type: ignore[assignment]
    return found


def port(process: Process) -> int:
    """Where the process serves; it chose a free port at its last start and logged it."""
    for line in reversed(process.log.read_text().splitlines()):
        if '"event":"health_serving"' in line:
            return int(json.loads(line)["port"])
    raise AssertionError(f"{process.name} serves no metrics, see {process.log}")
