"""List, then watch, for ever: the state machine under every informer.

    Listing --(list ok)--> Watching(version)
    Watching --(end of stream, timeout, broken connection)--> Watching(last version seen)
    Watching --(410 Expired)--> Listing, at once for the first time
    Watching --(an event that names no object)--> the same, since nobody knows what it was about
    Watching --(broken off, and the server is now at an older version)--> Listing
    Listing | Watching --(403 or 404, where that is foreseen)--> Listing, after a while
    Listing | Watching --(any other error)--> the same state, after backoff, or when the server says

A server whose etcd was restored from a backup is at an older version than before. It accepts a watch from what is the
future to it, and sends nothing: so whenever a watch did not end as it should, the server is asked where it is.

Yields what happened; keeps no objects. Bookmarks move the version on, so that a quiet kind need not be
listed again after a reconnect.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import msgspec
import structlog

from controllers.kube.client import Client
from controllers.kube.errors import ApiError, Expired, Forbidden, NotFound, from_status
from controllers.kube.object import TOO_DEEP, Object, Unreadable
from controllers.kube.shallow import head
from controllers.runtime import metrics
from controllers.runtime.backoff import RECONNECT, Backoff
from controllers.runtime.listing import Listed, listing
from controllers.runtime.scope import InterestFunction, Keep, Scope, whole

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Applied:
    """An object was added or changed, or was found to match the selectors."""

    object: Object


@dataclass(frozen=True)
class Deleted:
    """An object is gone, or does not match the selectors any more. Holds its last state."""

    object: Object


WatchEvent = Listed | Applied | Deleted


class _Line(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


_line = msgspec.json.Decoder(_Line)


@dataclass(frozen=True)
class Timing:
    """Seconds. The server ends a watch after a random time in `server`; `inactivity` without a byte means that
    the peer is dead (API servers send a bookmark about once a minute). What the server has forbidden is tried
    again after `denied`."""

    server: tuple[int, int] = (240, 300)
    inactivity: float = 150.0
    denied: float = 60.0


async def watch(
    client: Client,
    scope: Scope,
    *,
    interest: InterestFunction | None = None,
    keep: Keep = whole,
    on_denied: Callable[[ApiError], bool] = lambda _: False,
    on_doubt: Callable[[bool], None] = lambda _: None,
    timing: Timing = Timing(),
    backoff: Backoff = RECONNECT,
) -> AsyncGenerator[WatchEvent]:
    """Events of `scope` in the API server's order. Ends only by cancellation.

    `interest` keeps a list of many thousands from being in memory at once, and most of it from being sent. It decides
    by metadata, and has no say on later events. `keep` makes of each object, as it comes, the one that is yielded,
    which must have the same key, uid and resourceVersion. `on_denied` is called whenever the server refuses the scope
    since the credentials do not suffice, or the kind is not there. It returns whether that may be so: what was yielded
    before holds no longer then, and it is tried again seldom. `on_doubt` is called with True when a watch has broken,
    so that the server may be another than before, and with False when it is known to go on where it was; a list ends
    the doubt as well.
    """
    version = ""
    failures = expirations = 0  # in a row, without an event between them
    broken = rewound = False
    while True:
        try:
            if version and broken and await _is_behind(client, scope, version):
                log.warning("server_went_back", kind=str(scope.kind), namespace=scope.namespace, seen=version)
                version, rewound = "", True
            if broken and version:
                on_doubt(False)
            broken = False
            if not version:
                listed, version = await listing(client, scope, interest, keep)
                metrics.informer_relists.labels(str(scope.kind)).inc()
                yield dataclasses.replace(listed, rewound=rewound)
                rewound = False
            seconds = random.randint(*timing.server)  # noqa: S311 - spreads load, no secret
            began = time.monotonic()
            async with client.watch(
                scope.kind,
                namespace=scope.namespace,
                label_selector=scope.label_selector,
                field_selector=scope.field_selector,
                metadata_only=scope.metadata_only,
                resource_version=version,
                timeout_seconds=seconds,
                inactivity_seconds=timing.inactivity,
            ) as lines:
                async for line in lines:
                    event = _decode(line, keep)
                    version = event.object.metadata.resource_version
                    failures = expirations = 0
                    if not isinstance(event, _Bookmark):
                        yield event
            # The server may end a watch at once, again and again: an end without events counts as a failure.
            failures += 1
            broken = time.monotonic() - began < seconds - 1
            on_doubt(broken)
            if failures > 1:
                await asyncio.sleep(backoff.delay(failures - 2))
        except (Expired, Unreadable) as error:
            if isinstance(error, Unreadable):
                log.warning("watch_not_understood", kind=str(scope.kind), error=error.why)
            else:
                log.info("watch_expired", kind=str(scope.kind), namespace=scope.namespace)
            version = ""
            if expirations:  # a server that calls even a fresh list too old shall not be listed in a loop
                await asyncio.sleep(backoff.delay(expirations - 1))
            expirations += 1
        except ApiError as error:
            if isinstance(error, (Forbidden, NotFound)) and on_denied(error):
                version, failures = "", 0
                await asyncio.sleep(timing.denied)
                continue
            _report(scope, error, failures)
            broken = True
            on_doubt(True)
            await asyncio.sleep((error.retry_after or 0.0) + backoff.delay(failures))
            failures += 1


async def _is_behind(client: Client, scope: Scope, version: str) -> bool:
    """Whether the server is at an older version than one that it has told before."""
    now = await client.version(
        scope.kind,
        namespace=scope.namespace,
        label_selector=scope.label_selector,
        field_selector=scope.field_selector,
    )
    return int(now) < int(version)


@dataclass(frozen=True)
class _Bookmark:
    object: Object


def _decode(line: bytes, keep: Keep) -> Applied | Deleted | _Bookmark:
    """One event. Raises the ApiError that an ERROR event carries (Expired for a too old version), and Unreadable for
    what is no event, or names no object."""
    event, fault = _parted(line)
    if event.type == "ERROR":
        raise from_status(0, bytes(event.object))
    found = Object(event.object, fault=fault)
    match event.type:
        case "ADDED" | "MODIFIED":
            return Applied(keep(found))
        case "DELETED":
            return Deleted(keep(found))
        case "BOOKMARK":
            return _Bookmark(found)
    raise Unreadable(found, f"a watch does not have events of type {event.type}")


def _parted(line: bytes) -> tuple[_Line, str]:
    """Type and object of an event, and why of the object there is only the head; "": there is all of it."""
    try:
        return _line.decode(line), ""
    except RecursionError:
        line, fault = head(line, level=2), TOO_DEEP
    except (msgspec.DecodeError, ValueError) as error:
        raise Unreadable(None, str(error)) from None
    try:
        return _line.decode(line), fault
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable(None, str(error)) from None


def _report(scope: Scope, error: ApiError, failures: int) -> None:
    # A watch that breaks once is everyday; one that stays broken is worth a person's attention.
    level = log.info if failures < 3 and not isinstance(error, NotFound) else log.warning
    hint = {}
    if isinstance(error, NotFound):
        hint = {"hint": "the kind is not served here: install the CRDs (make install)"}
    elif error.status in (401, 403):
        hint = {"hint": "the credentials may not list and watch this kind: check RBAC"}
    level("watch_failed", kind=str(scope.kind), error=error.message, status=error.status, **hint)
