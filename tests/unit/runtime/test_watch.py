"""The state machine of list and watch, against a server that behaves as scripted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client, Page
from controllers.kube.errors import ApiError, Expired, Forbidden, NotFound, Unavailable
from controllers.kube.object import Object
from controllers.runtime.backoff import Backoff
from controllers.runtime.cache import Change
from controllers.runtime.informer import Informer
from controllers.runtime.listing import Listed
from controllers.runtime.scope import Interest, Keep, Scope, whole
from controllers.runtime.watch import Applied, Deleted, Timing, WatchEvent, watch
from tests.eventually import eventually

SCOPE = Scope(WORKFLOW)


def line(kind: str, name: str, version: int) -> bytes:
    metadata = {"name": name, "namespace": "n", "resourceVersion": str(version)}
    return json.dumps({"type": kind, "object": {"metadata": metadata}}).encode()


EXPIRED = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}'
BROKEN = b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"storage is away"}}'


@dataclass
class Server:
    """Each watch gives the next script: lines, or an error to end with. After the last one it is silent.

    A number in a script is the version that the server goes back to."""

    watches: list[Sequence[bytes | ApiError | int]] = field(default_factory=list)
    lists: list[ApiError] = field(default_factory=list)
    at: int = 10
    asked: list[str] = field(default_factory=list)

    async def page(self, *_: object, **__: object) -> Page:
        self.asked.append("list")
        if self.lists:
            raise self.lists.pop(0)
        return Page([], str(self.at), "")

    async def version(self, *_: object, **__: object) -> str:
        return str(self.at)

    @contextlib.asynccontextmanager
    async def watch(
        self, *_: object, resource_version: str, **__: Any
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        self.asked.append(f"watch from {resource_version}")
        yield self._lines(self.watches.pop(0) if self.watches else None)

    async def _lines(self, script: Sequence[bytes | ApiError | int] | None) -> AsyncIterator[bytes]:
        for item in script or ():
            if isinstance(item, int):
                self.at = item
                continue
            if isinstance(item, ApiError):
                raise item
            if (found := re.search(rb'"resourceVersion": "(\d+)"', item)) is not None:
                self.at = int(found[1])
            yield item
        if script is None:
            await asyncio.Event().wait()


class Patience(Backoff):
    """No waiting, but it is written down for which failure in a row it was asked for."""

    asked: list[int] = []  # noqa: RUF012 - reset by each test

    def delay(self, failures: int, uniform: object = None) -> float:
        self.asked.append(failures)
        return 0.0


@pytest.fixture
def patience() -> Patience:
    Patience.asked = []
    return Patience(base=1, cap=1)


async def run(
    server: Server,
    patience: Patience,
    *,
    until: str,
    keep: Keep = whole,
    on_denied: Callable[[ApiError], bool] = lambda _: False,
) -> list[WatchEvent]:
    """What is yielded until the server has been asked for `until` and has nothing more to say."""
    events: list[WatchEvent] = []

    async def consume() -> None:
        events_of = watch(
            cast("Client", server),
            SCOPE,
            keep=keep,
            on_denied=on_denied,
            timing=Timing(denied=0.0),
            backoff=patience,
        )
        async with aclosing(events_of) as stream:
            async for event in stream:
                events.append(event)  # noqa: PERF401 - seen while the stream goes on

    task = asyncio.create_task(consume())
    async with asyncio.timeout(5):
        while until not in server.asked or server.watches:
            await asyncio.sleep(0)
            assert not task.done(), task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return events


async def test_each_watch_begins_where_the_last_one_ended(patience: Patience) -> None:
    server = Server(
        [
            [line("ADDED", "a", 11), line("MODIFIED", "a", 12)],
            [line("DELETED", "a", 15), line("BOOKMARK", "", 20)],
        ]
    )
    events = await run(server, patience, until="watch from 20")
    assert server.asked == ["list", "watch from 10", "watch from 12", "watch from 20"]
    assert [type(event) for event in events] == [Listed, Applied, Applied, Deleted]
    assert patience.asked == [], "an end after events is everyday"


@pytest.mark.parametrize("expired", [EXPIRED, Expired("too old", status=410)], ids=["event", "answer"])
async def test_an_expired_version_leads_to_a_list_at_once(
    patience: Patience, expired: bytes | ApiError
) -> None:
    server = Server([[line("ADDED", "a", 11), expired], [line("ADDED", "b", 31)]])
    events = await run(server, patience, until="watch from 31")
    assert server.asked[:3] == ["list", "watch from 10", "list"]
    assert [type(event) for event in events] == [Listed, Applied, Listed, Applied]
    assert patience.asked == []


async def test_versions_that_expire_again_and_again_are_no_reason_to_list_in_a_loop(
    patience: Patience,
) -> None:
    expired: list[Sequence[bytes | ApiError | int]] = [[EXPIRED]] * 5
    server = Server([*expired, [line("ADDED", "a", 11)]])
    await run(server, patience, until="watch from 11")
    assert patience.asked == [0, 1, 2, 3]


@pytest.mark.parametrize("error", [BROKEN, Unavailable("cut")], ids=["event", "answer"])
async def test_a_broken_watch_goes_on_from_its_version_after_a_wait(
    patience: Patience, error: bytes | ApiError
) -> None:
    server = Server([[line("ADDED", "a", 11), error], [error], [error], [line("ADDED", "b", 12)]])
    events = await run(server, patience, until="watch from 12")
    assert server.asked == ["list", "watch from 10", *["watch from 11"] * 3, "watch from 12"]
    assert patience.asked == [0, 1, 2]
    assert [type(event) for event in events] == [Listed, Applied, Applied]


async def test_a_server_that_asks_for_patience_gets_it(patience: Patience) -> None:
    server = Server([[Unavailable("later", status=503, retry_after=0.2)], [line("ADDED", "a", 11)]])
    began = time.monotonic()
    await run(server, patience, until="watch from 11")
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("end", [[], [Unavailable("cut")]], ids=["ended", "broken"])
async def test_a_server_that_went_back_is_listed_anew(patience: Patience, end: list[ApiError]) -> None:
    """Restored from a backup, it would take a watch from its future and say nothing."""
    server = Server([[line("ADDED", "a", 11), 5, *end], [line("ADDED", "b", 6)]])
    events = await run(server, patience, until="watch from 6")
    assert server.asked == ["list", "watch from 10", "list", "watch from 5", "watch from 6"]
    assert [event.rewound for event in events if isinstance(event, Listed)] == [False, True]


async def test_a_watch_that_ends_at_once_again_and_again_is_slowed_down(patience: Patience) -> None:
    server = Server([[], [], [], [], [line("ADDED", "a", 11)]])
    await run(server, patience, until="watch from 11")
    assert patience.asked == [0, 1, 2]


async def test_a_list_that_fails_is_tried_again_after_a_wait(patience: Patience) -> None:
    server = Server(lists=[NotFound("no such kind", status=404), Unavailable("away")])
    events = await run(server, patience, until="watch from 10")
    assert server.asked == ["list", "list", "list", "watch from 10"]
    assert patience.asked == [0, 1]
    assert [type(event) for event in events] == [Listed]


FORBIDDEN = Forbidden("may not list", status=403)


async def test_what_is_denied_is_said_each_time_and_tried_again_from_the_list(patience: Patience) -> None:
    watches: list[Sequence[bytes | ApiError | int]] = [
        [line("ADDED", "a", 11), FORBIDDEN],
        [line("ADDED", "b", 12)],
    ]
    server = Server(watches, lists=[FORBIDDEN, FORBIDDEN])
    denied: list[int] = []

    def note(_: ApiError) -> bool:
        denied.append(len(server.asked))
        return True

    events = await run(server, patience, until="watch from 12", on_denied=note)
    assert server.asked == [*["list"] * 3, "watch from 10", "list", "watch from 11", "watch from 12"]
    assert denied == [1, 2, 4]
    assert [type(event) for event in events] == [Listed, Applied, Listed, Applied]
    assert patience.asked == []


async def test_what_must_not_be_denied_is_tried_again_as_after_any_error(patience: Patience) -> None:
    server = Server(lists=[FORBIDDEN, FORBIDDEN])
    await run(server, patience, until="watch from 10")
    assert patience.asked == [0, 1]


async def test_of_each_object_only_what_shall_be_kept_comes_through(patience: Patience) -> None:
    def bare(item: Object) -> Object:
        version = item.metadata.resource_version
        return Object(json.dumps({"metadata": {"name": "bare", "resourceVersion": version}}).encode())

    server = Server([[line("ADDED", "a", 11), line("DELETED", "a", 12)]])
    events = await run(server, patience, until="watch from 12", keep=bare)
    assert [event.object.key for event in events if not isinstance(event, Listed)] == [("", "bare")] * 2


DEEP = b"[" * 5000 + b"]" * 5000


def deep_line(kind: str, name: str, version: int) -> bytes:
    return line(kind, name, version)[:-2] + b',"spec":%s}}' % DEEP


async def test_an_event_too_deep_for_the_decoder_is_an_event_like_others(patience: Patience) -> None:
    server = Server([[deep_line("ADDED", "a", 11), line("ADDED", "b", 12), deep_line("DELETED", "a", 13)]])
    events = await run(server, patience, until="watch from 13")
    assert server.asked == ["list", "watch from 10", "watch from 13"]
    told = [event for event in events if not isinstance(event, Listed)]
    assert [(type(event), event.object.metadata.name, bool(event.object.fault)) for event in told] == [
        (Applied, "a", True),
        (Applied, "b", False),
        (Deleted, "a", True),
    ]


@pytest.mark.parametrize(
    "odd",
    [b"<html>", b"{}", b"[" * 5000, b'{"type":"ADDED","object":%s}' % DEEP, b'{"type":"NEW","object":{}}'],
)
async def test_what_nobody_understands_leads_to_a_list(patience: Patience, odd: bytes) -> None:
    server = Server([[line("ADDED", "a", 11), odd], [odd], [odd], [line("ADDED", "b", 31)]])
    events = await run(server, patience, until="watch from 31")
    assert server.asked[:5] == ["list", "watch from 10", "list", "watch from 11", "list"]
    assert [type(event) for event in events] == [Listed, Applied, Listed, Listed, Listed, Applied]
    assert patience.asked == [0, 1], "and not to lists in a loop"


async def test_a_part_of_the_informer_that_fails_for_one_object_fails_for_that_alone() -> None:
    """Whatever it is: `keep`, an index, a handler."""
    names = ("keep", "index", "handler", "interest", "good")
    server = Server([[line("ADDED", name, 11 + number) for number, name in enumerate(names)]])

    def fails(part: str) -> Callable[[Object], Any]:
        def check(item: Object) -> Object:
            if item.metadata.name == part:
                raise ZeroDivisionError(part)
            return item

        return check

    def index(item: Object) -> list[str]:
        fails("index")(item)
        return ["all"]

    def interest(item: Object) -> Interest:
        fails("interest")(item)
        return Interest.FULL

    informer = Informer(
        cast("Client", server), SCOPE, indexes={"all": index}, interest=interest, keep=fails("keep")
    )
    first, second = list[str](), list[str]()
    informer.add_handler(lambda change: first.append(change.object.metadata.name))

    def third(change: Change) -> None:
        fails("handler")(change.object)

    informer.add_handler(third)
    informer.add_handler(lambda change: second.append(change.object.metadata.name))
    before = aside_of(SCOPE)
    task = asyncio.create_task(informer.run())
    with capture_logs() as logs:
        await eventually(lambda: len(second) == len(names))
    assert not task.done()
    assert sorted(line["name"] for line in logs if line["event"] == "object_set_aside") == sorted(names[:-1])
    assert first == second == list(names)
    assert sorted(item.metadata.name for item in informer.store.all()) == sorted(names)
    assert informer.store.count("all", "all") == len(names) - 1
    assert aside_of(SCOPE) - before == len(names) - 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert aside_of(SCOPE) == before, "what nobody watches is set aside by nobody"


def aside_of(scope: Scope) -> float:
    return REGISTRY.get_sample_value("argosy_objects_set_aside", {"kind": scope.kind.kind}) or 0.0


async def test_an_informer_that_is_told_that_the_server_went_back_lists_once(patience: Patience) -> None:
    server = Server()
    informer, forgotten = Informer(cast("Client", server), SCOPE), list[str]()
    informer.on_rewind(lambda: forgotten.append("all"))
    task = asyncio.create_task(informer.run())
    async with asyncio.timeout(5):
        await informer.wait_synced()
        for _ in range(3):
            informer.go_back()
            await eventually(lambda: len(server.asked) == 4)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert server.asked == ["list", "watch from 10"] * 2
    assert forgotten == ["all"]
