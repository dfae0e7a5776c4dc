"""Watching Workflows on a hub until they are finished, and showing them meanwhile."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from controllers.api.keys import ARGO_NAMESPACE
from controllers.api.kinds import WORKFLOW
from hack.fleet.api import Api
from hack.fleet.comparison import View, view
from hack.fleet.errors import ApiFailed

_COLOURS = {"Succeeded": "green", "Failed": "red", "Error": "red", "Running": "cyan"}
_REFRESH = 0.25


class Follower:
    """The latest View of each of some Workflows, kept current by a watch in a thread of its own."""

    def __init__(self, hub: Api, uids: Collection[str]) -> None:
        self._hub = hub
        self._uids = frozenset(uids)
        self._seen: queue.SimpleQueue[View] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._views: dict[str, View] = {}
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def run(self, seconds: float, show: Callable[[list[View]], None]) -> list[View]:
        """Follow until all are finished or the time is up; `show` gets the Views several times a second."""
        self._thread.start()
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline and not self._all_finished():
                self._take()
                show(self._ordered())
        finally:
            self._ended.set()
        show(self._ordered())
        return self._ordered()

    def _take(self) -> None:
        try:
            seen = self._seen.get(timeout=_REFRESH)
        except queue.Empty:
            return
        self._views[seen.uid] = seen

    def _all_finished(self) -> bool:
        return self._views.keys() == self._uids and all(v.is_finished for v in self._views.values())

    def _ordered(self) -> list[View]:
        return sorted(self._views.values(), key=lambda v: (v.created, v.name))

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                listed = self._hub.list(WORKFLOW, ARGO_NAMESPACE)
                self._put(listed["items"])
                version = listed["metadata"]["resourceVersion"]
                events = self._hub.watch(WORKFLOW, ARGO_NAMESPACE, resource_version=version, seconds=60)
                for event in events:
                    if event["type"] == "ERROR":
                        break  # the version expired: list again
                    self._put([event["object"]])
            except ApiFailed:
                self._ended.wait(1)  # the hub is away; whoever waits for the end has a deadline

    def _put(self, objects: Iterable[dict[str, Any]]) -> None:
        for body in objects:
            if body["metadata"]["uid"] in self._uids:
                self._seen.put(view(body))


def table(views: Iterable[View], now: datetime) -> Table:
    """Workflow, cluster, phase, progress, age."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("WORKFLOW", "CLUSTER", "PHASE", "PROGRESS", "AGE", "MESSAGE"):
        made.add_column(name, no_wrap=name != "MESSAGE")
    for each in views:
        colour = _COLOURS.get(each.phase, "yellow")
        made.add_row(
            each.name,
            each.cluster or "-",
            f"[{colour}]{each.phase or 'waiting'}[/{colour}]",
            each.progress or "-",
            f"{each.age(now):.0f}s",
            each.message or each.waiting,
        )
    return made


def show_until_finished(follower: Follower, seconds: float, console: Console) -> list[View]:
    """Run the follower behind a live table, or behind a line per change where nobody watches."""
    if not console.is_terminal:
        return follower.run(seconds, _Changes(console))
    with Live(console=console, auto_refresh=False) as live:
        return follower.run(seconds, lambda views: live.update(table(views, datetime.now(UTC)), refresh=True))


class _Changes:
    """Prints a Workflow's row whenever its cluster, phase or progress is another."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: dict[str, tuple[str, str, str]] = {}

    def __call__(self, views: list[View]) -> None:
        for each in views:
            row = (each.cluster, each.phase, each.progress)
            if self._last.get(each.uid) != row:
                self._last[each.uid] = row
                text = (
                    f"{each.name:<32} {each.cluster or '-':<10} {each.phase or 'waiting':<10} {each.progress}"
                )
                self._console.print(text.rstrip(), highlight=False, soft_wrap=True)
