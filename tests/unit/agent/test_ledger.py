"""The book of runs: its names, its entries, its pages and their bound."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.eviction import NEVER, Grace
from agent.decide.ledger import PAGE_ENTRIES, End, Pages, end_of, run_name, status_of
from controllers.api.keys import ATTEMPT_ANNOTATION, HUB_UID_ANNOTATION
from controllers.api.meta import parsed

NOW = "2026-01-02T03:04:05Z"


def name(
    origin: str = "u", attempt: str = "", *, work: str = "w", namespace: str = "n", of: str = "x"
) -> str:
    annotations = {HUB_UID_ANNOTATION: origin, ATTEMPT_ANNOTATION: attempt}
    return run_name({key: value for key, value in annotations.items() if value}, work, namespace, of)


def test_a_run_is_told_by_the_hubs_workflow_and_the_attempt_whatever_work_brings_it() -> None:
    assert name() == name(work="another", namespace="elsewhere", of="y")
    assert name() == name(attempt="1")
    assert len({name(), name(attempt="2"), name(attempt="3"), name("v")}) == 4


def test_without_an_origin_a_run_is_told_by_its_work() -> None:
    assert len({name(""), name("", work="v"), name("", namespace="m"), name("", of="y")}) == 4
    assert name("", work="") == ""


@given(st.text(min_size=1), st.text())
def test_whatever_annotations_hold_the_name_is_a_key_of_a_config_map(origin: str, of: str) -> None:
    for found in (name(origin), name("", of=of)):
        assert re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", found)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (
            {"phase": "Succeeded", "finishedAt": "2026-01-01T00:00:00Z", "startedAt": "2025-12-31T00:00:00Z"},
            End("Succeeded", "", "2026-01-01T00:00:00Z", "2025-12-31T00:00:00Z"),
        ),
        ({"phase": "Failed", "message": "m" * 900}, End("Failed", "m" * 200)),
        ({"phase": "Failed", "message": 7, "finishedAt": {"a": 1}}, End("Failed")),
        ({"phase": "Running", "message": "at work", "startedAt": "then"}, End("Error", "why", NOW, "then")),
        ({"phase": ["Succeeded"]}, End("Error", "why", NOW)),
        ({}, End("Error", "why", NOW)),
    ],
)
def test_what_is_entered_of_a_status(status: dict[str, Any], expected: End) -> None:
    assert end_of(status, otherwise="why", now=NOW) == expected


def test_the_hub_is_told_the_end_and_none_of_the_nodes_that_it_knew() -> None:
    known = {"phase": "Running", "startedAt": "then", "progress": "1/2", "nodes": {"n": {"phase": "Running"}}}
    told = status_of(End("Failed", "step 2 failed", NOW), known, asked="later")
    assert told.pop("message").startswith("step 2 failed; it ran on this cluster before")
    assert told == {"phase": "Failed", "startedAt": "then", "progress": "1/2", "finishedAt": NOW}
    assert status_of(End("Error"), {}, asked=NOW) == {
        "phase": "Error",
        "message": "it ran on this cluster before and is not run again; its nodes are not known any more",
        "startedAt": NOW,
        "finishedAt": NOW,
    }


@pytest.mark.parametrize(
    ("end", "known", "started", "finished"),
    [
        (End("Failed", "", NOW, "then"), {"startedAt": "other"}, "then", NOW),
        (End("Failed", "", NOW), {"startedAt": "other"}, "other", NOW),
        (End("Failed", "", NOW), {}, NOW, NOW),
        (End("Failed", "", NOW), {"startedAt": 7}, NOW, NOW),
        (End("Failed", "", "", "then"), {}, "then", "then"),
        (End("Failed"), {}, "asked", "asked"),
    ],
)
def test_a_run_has_a_start_and_an_end_whatever_is_known(
    end: End, known: dict[str, Any], started: str, finished: str
) -> None:
    """Without a start `argo list` shows 106751 days."""
    told = status_of(end, known, asked="asked")
    assert (told["startedAt"], told["finishedAt"]) == (started, finished)


def write(pages: Pages, *runs: str) -> list[int]:
    """Adds the runs as the ledger does; the pages that were written."""
    numbers = []
    for number, part in pages.placed({run: End("Succeeded", run) for run in runs}):
        pages.add(number, part)
        numbers.append(number)
    for number in pages.surplus():
        pages.drop(number)
    return numbers


@given(st.lists(st.integers(min_value=1, max_value=3 * PAGE_ENTRIES), max_size=8))
def test_pages_are_filled_in_order_and_the_newest_runs_are_kept(batches: list[int]) -> None:
    pages, count = Pages(runs=3 * PAGE_ENTRIES), 0
    for size in batches:
        write(pages, *(f"r{number}" for number in range(count, count + size)))
        count += size
        assert len(pages) <= 3 * PAGE_ENTRIES
        assert len(pages) >= min(count, 2 * PAGE_ENTRIES)
        kept = [number for number in range(count) if pages.find(f"r{number}")]
        assert kept == list(range(count - len(kept), count))


@pytest.mark.parametrize(("runs", "kept"), [(1, 1), (PAGE_ENTRIES, 1), (2 * PAGE_ENTRIES, 2)])
def test_there_is_always_a_page(runs: int, kept: int) -> None:
    pages = Pages(runs=runs)
    for number in range(1, 4):
        pages.add(number, {f"r{number}": "{}"})
    assert pages.surplus() == list(range(1, 4 - kept))
    for number in (*pages.surplus(), 99):
        pages.drop(number)
    assert len(pages) == kept
    assert pages.page(1) == ({} if kept < 3 else {"r1": "{}"})


def test_the_oldest_pages_go_in_whatever_order_they_were_read() -> None:
    pages = Pages(runs=PAGE_ENTRIES)
    for number in (10, 2, 7):  # as an API server lists them by name
        pages.load(number, {f"r{number}": "{}"})
    assert pages.surplus() == [2, 7]


def test_pages_that_are_read_again_go_on_where_they_ended() -> None:
    first, again = Pages(), Pages()
    write(first, "a", "b")
    again.load(7, first.page(1))
    again.load(None, {"of-another-hub": '{"phase":"Failed"}'})
    assert write(again, "c") == [7], "an empty book would begin at 1"
    assert list(again.page(7)) == ["a", "b", "c"]
    assert len(again) == 4
    assert again.find("a") == End("Succeeded", "a")
    assert again.find("of-another-hub") == End("Failed")
    assert again.find("d") is None


@pytest.mark.parametrize("entry", ["", "{", "7", '{"message":"no phase"}', "\ud800"])
def test_an_entry_that_somebody_has_spoiled_still_tells_that_it_ran(entry: str) -> None:
    pages = Pages()
    pages.load(4, {"a": entry})
    found = pages.find("a")
    assert found is not None
    assert found.phase == "Error"


@pytest.mark.parametrize(
    ("went_back_at", "expected"),
    [
        (None, "2026-01-01T01:00:00Z"),
        ("2026-01-01T00:00:10Z", "2026-01-08T00:00:10Z"),
        ("2025-12-28T00:00:00Z", "2026-01-04T00:00:00Z"),
        ("2025-12-01T00:00:00Z", "2026-01-01T01:00:00Z"),
    ],
)
def test_what_a_restored_hub_has_lost_stays_longer(went_back_at: str | None, expected: str) -> None:
    missing = parsed("2026-01-01T00:00:00Z")
    found = Grace().due(missing, parsed(went_back_at) if went_back_at else None)
    assert found == parsed(expected)


_CENTURY = 100 * 365 * 24 * 3600.0


@pytest.mark.parametrize(
    ("seconds", "never_ends"),
    [(0.0, False), (3600.0, False), (_CENTURY - 1, False), (_CENTURY, True), (1e300, True), (math.inf, True)],
)
def test_a_grace_of_a_hundred_years_never_ends(seconds: float, never_ends: bool) -> None:
    grace = Grace.of(seconds, seconds)
    assert grace.never_ends == never_ends
    assert grace.restored <= NEVER
    assert grace.due(parsed("2026-01-01T00:00:00Z"), parsed("2026-01-01T00:00:00Z")) is not None
