"""What our processes say about themselves on /metrics: how much they work."""

from __future__ import annotations

import json
from collections import Counter

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.processes import Process


async def scrape(process: Process) -> Counter[str]:
    """Every metric by name, summed over its labels."""
    found: Counter[str] = Counter()
    for sample in await _samples(process):
        found[sample.name] += sample.value  # type: ignore[assignment]
    return found


async def answers(process: Process) -> Counter[str]:
    """How often the process was answered with each status code by API servers."""
    found: Counter[str] = Counter()
    for sample in await _samples(process):
        if sample.name == "rest_client_requests_total":
            found[sample.labels["code"]] += int(sample.value)
    return found


async def _samples(process: Process) -> list[Sample]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port(process)}/metrics") as answer,
    ):
        text = await answer.text()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def port(process: Process) -> int:
    """Where the process serves; it chose a free port at its last start and logged it."""
    for line in reversed(process.log.read_text().splitlines()):
        if '"event":"health_serving"' in line:
            return int(json.loads(line)["port"])
    raise AssertionError(f"{process.name} serves no metrics, see {process.log}")
