"""Which Workflows have run on this cluster and how each ended, in pages of a bounded book. Pure.

A run is told from others by the uid of the hub's Workflow and the number of the attempt: a hub that is restored from
a backup brings both back as they were, while a Workflow that a user makes anew has another uid. Owns the names of
runs, the form of the entries, and which page an entry goes to. What is written and when is not decided here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from agent.decide.manifest import annotations_of, identify
from controllers.api import keys
from controllers.api.attempts import attempt_of
from controllers.api.workflow import FINAL_PHASES

# With the longest entries a page takes 350 KB; an object may have 1 MiB.
PAGE_ENTRIES: Final = 250
# For how many runs there is room unless the agent is told otherwise: 3 MB of etcd.
DEFAULT_RUNS: Final = 20_000

_MESSAGE = 200
# What the API server takes as a key of a ConfigMap, within a length that leaves no doubt.
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,200}")

Json = dict[str, Any]


class End(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How a run ended. `phase` is a final one; the times RFC 3339, "" where they are not known."""

    phase: str
    message: str = ""
    finished_at: str = ""
    started_at: str = ""


_UNREADABLE = End("Error", "how it ended can't be read any more")


def run_name(annotations: Mapping[str, str], work_uid: str, namespace: str, name: str) -> str:
    """The key of a run, by the annotations of its manifest or copy; "" if nothing tells it from another one.

    A manifest that names no Workflow of the hub is told by its work (`work_uid`, "" if that is not known) and its own
    name.
    """
    origin = annotations.get(keys.HUB_UID_ANNOTATION, "")
    if not origin and not work_uid:
        return ""
    plain = f"{origin}.{attempt_of(annotations)}" if origin else f"{work_uid}.{namespace}.{name}"
    # Annotations hold what anyone may write: one entry must not spoil the page for all others.
    return plain if _KEY.fullmatch(plain) else hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


def run_of(manifest: msgspec.Raw | bytes, work_uid: str) -> str:
    """`run_name` of a manifest. Raises ManifestError if it can't be read."""
    identity = identify(manifest)
    return run_name(annotations_of(manifest), work_uid, identity.namespace, identity.name)


def end_of(status: Mapping[str, Any], *, otherwise: str, now: str) -> End:
    """What to enter for a Workflow with this status. One that has not ended becomes an Error for the reason
    `otherwise`, at the time `now`."""
    phase = status.get("phase")
    if phase not in FINAL_PHASES:
        return End("Error", otherwise, now, _short(status.get("startedAt")))
    return End(
        str(phase),
        _short(status.get("message")),
        _short(status.get("finishedAt")),
        _short(status.get("startedAt")),
    )


def status_of(end: End, known: Json, *, asked: str) -> Json:
    """The status that the hub is told of a run that was entered; `known` is the last that the hub has of it, `asked`
    when it asked for it again, which stands for times that are not known.

    Of its nodes the hub may know a state of before the end: they are left out.
    """
    words = "it ran on this cluster before and is not run again; its nodes are not known any more"
    started = end.started_at or _short(known.get("startedAt"))
    status = {
        "phase": end.phase,
        "message": f"{end.message}; {words}" if end.message else words,
        "finishedAt": end.finished_at or started or asked,
    }
    if started:
        status["startedAt"] = started
    if known.get("progress"):
        status["progress"] = known["progress"]
    return timed(status)


def timed(status: Json) -> Json:
    """A status that has ended, with a start: without one Argo's clients show a run of 292 years."""
    return status if status.get("startedAt") else {**status, "startedAt": status["finishedAt"]}


class Pages:
    """The entries of one hub's book, by page, and those of other hubs' books, which are only looked at.

    Pages are numbered upwards; the last one is filled up, and of more than `runs` entries the oldest page goes whole.
    """

    def __init__(self, runs: int = DEFAULT_RUNS) -> None:
        self._limit = max(1, runs // PAGE_ENTRIES)
        self._pages: dict[int, dict[str, str]] = {}
        self._others: dict[str, str] = {}

    def load(self, number: int | None, entries: Mapping[str, str]) -> None:
        """Puts in what was found in a page. `number` None: of another hub's book."""
        if number is None:
            self._others |= entries
        else:
            self._pages[number] = dict(entries)

    def find(self, run: str) -> End | None:
        """How the run ended; None: it is not in the book."""
        entry = next((page[run] for page in self._pages.values() if run in page), self._others.get(run))
        if entry is None:
            return None
        try:
            return msgspec.json.decode(entry, type=End)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return _UNREADABLE  # somebody has put something else there; that it has run is still told

    def placed(self, entries: Mapping[str, End]) -> Iterator[tuple[int, dict[str, str]]]:
        """(page, entries to add to it) for all of `entries`; `add` each before the next one is asked for."""
        left = {run: msgspec.json.encode(end).decode() for run, end in entries.items()}
        while left:
            number = max(self._pages, default=0)
            room = PAGE_ENTRIES - len(self._pages.get(number, ()))
            if room <= 0 or number == 0:
                number, room = number + 1, PAGE_ENTRIES
            part = dict(list(left.items())[:room])
            yield number, part
            for run in part:
                del left[run]

    def add(self, number: int, entries: Mapping[str, str]) -> None:
        """`entries` stand in the page now."""
        self._pages.setdefault(number, {}).update(entries)

    def page(self, number: int) -> dict[str, str]:
        """All that stands in a page; {} for one that there is not."""
        return dict(self._pages.get(number, {}))

    def surplus(self) -> list[int]:
        """The pages that are too many, oldest first."""
        return sorted(self._pages)[: max(0, len(self._pages) - self._limit)]

    def drop(self, number: int) -> None:
        """The page is gone."""
        self._pages.pop(number, None)

    def __len__(self) -> int:
        """How many entries there are in all."""
        return sum(map(len, self._pages.values())) + len(self._others)


def _short(text: Any) -> str:
    return text[:_MESSAGE] if isinstance(text, str) else ""
