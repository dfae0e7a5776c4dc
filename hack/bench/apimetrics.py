"""How many requests an API server has served, by its own count, and on whose behalf. Pure but for `read`.

The servers count by resource and verb, not by client. Who it was follows from what each part does: on the hub
users create and delete Workflows and nobody else does; on a managed cluster the executor writes a known number of
patches per Workflow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

from prometheus_client.parser import text_string_to_metric_families

from controllers.api import kinds
from controllers.kube.client import Client
from hack.bench.workload import STAGES

_READS: Final = frozenset({"GET", "LIST"})
WRITES: Final = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"})
_REQUESTS: Final = "apiserver_request_total"
_BODY_BYTES: Final = "apiserver_request_body_size_bytes_sum"
_WATCH_BYTES: Final = "apiserver_watch_events_sizes_sum"
_BYTES: Final = (_BODY_BYTES, _WATCH_BYTES)

OURS, USER, EXECUTOR, EVENTS, LEASES, CLUSTER, READS = (
    "ours",
    "user",
    "executor",
    "events",
    "leases",
    "cluster",
    "reads",
)
_OUR_KINDS: Final = frozenset(
    kind.plural
    for kind in (
        kinds.WORKFLOW,
        kinds.WORKFLOW_STATUS_RESULT,
        kinds.MANIFEST_WORK,
        kinds.APPLIED_MANIFEST_WORK,
        kinds.PLACEMENT,
        kinds.PLACEMENT_DECISION,
        kinds.MANAGED_CLUSTER,
    )
)

K = TypeVar("K")

# {owner: {"workflows PATCH": requests}}
ByOwner = dict[str, dict[str, float]]


class Request(NamedTuple):
    """One series: `resource` with its subresource ("manifestworks/status"), `code` the HTTP status."""

    resource: str
    verb: str
    code: str

    @property
    def plural(self) -> str:
        return self.resource.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.resource} {self.verb}"


class Snapshot(NamedTuple):
    """Counters since the server's start, by resource: bytes that clients sent, and that watches brought them."""

    requests: Mapping[Request, float]
    body_bytes: Mapping[str, float]
    watch_bytes: Mapping[str, float]

    def since(self, earlier: Snapshot) -> Snapshot:
        """What has come in between."""
        return Snapshot(
            _difference(self.requests, earlier.requests),
            _difference(self.body_bytes, earlier.body_bytes),
            _difference(self.watch_bytes, earlier.watch_bytes),
        )


async def read(server: Client) -> Snapshot:
    """The counters of an API server as they are now."""
    return parse((await server.request("GET", "/metrics")).decode())


def parse(text: str) -> Snapshot:
    """The counters from Prometheus's text format, of which an API server writes megabytes."""
    # The parser takes a second for all of it; three names of a thousand are wanted.
    lines = [line for line in text.splitlines() if line.startswith((_REQUESTS, *_BYTES))]
    requests: dict[Request, float] = defaultdict(float)
    moved: dict[str, dict[str, float]] = {name: defaultdict(float) for name in _BYTES}
    for family in text_string_to_metric_families("\n".join([*lines, ""])):
        for sample in family.samples:
            labels = sample.labels
            if sample.name in moved:
                moved[sample.name][labels["resource"]] += sample.value
            elif labels["resource"]:
                resource = "/".join(filter(None, (labels["resource"], labels["subresource"])))
                requests[Request(resource, labels["verb"], labels["code"])] += sample.value
    return Snapshot(dict(requests), dict(moved[_BODY_BYTES]), dict(moved[_WATCH_BYTES]))


def by_owner(requests: Mapping[Request, float], *, hub: bool) -> ByOwner:
    """Requests by whom they are put down to; on managed clusters the executor's are among ours.

    `reads` are everybody's GET and LIST of the kinds that we use; watches are counted when they end, which
    says nothing. `leases` are both reads and writes of them. `cluster` is Kubernetes itself: garbage collection,
    service accounts.
    """
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for request, count in requests.items():
        owner = _owner(request, hub=hub)
        if owner is not None:
            found[owner][str(request)] += count
    return {owner: dict(counts) for owner, counts in found.items() if any(counts.values())}


def _owner(request: Request, *, hub: bool) -> str | None:
    if request.plural == kinds.LEASE.plural:
        return LEASES if request.verb in WRITES or request.verb in _READS else None
    if request.verb not in WRITES:
        return READS if request.plural in _OUR_KINDS and request.verb in _READS else None
    if request.plural == kinds.EVENT.plural:
        return EVENTS
    if hub and request.plural == kinds.WORKFLOW.plural and request.verb in ("POST", "DELETE"):
        return USER
    return OURS if request.plural in _OUR_KINDS else CLUSTER


def without_executor(owners: ByOwner, executed: int) -> ByOwner:
    """A managed cluster's requests with those of the executor apart, after it has run so many Workflows."""
    key = f"{kinds.WORKFLOW.plural} PATCH"
    ours = dict(owners.get(OURS, {}))
    theirs = min(float(STAGES * executed), ours.get(key, 0.0))
    ours[key] = ours.get(key, 0.0) - theirs
    return {**owners, OURS: ours, EXECUTOR: {key: theirs}}


def total(counts: Mapping[str, float]) -> float:
    return sum(counts.values())


def conflicts(requests: Mapping[Request, float]) -> float:
    """Writes that were refused because somebody else had written in between (409, or a failed test: 422)."""
    return sum(
        n for request, n in requests.items() if request.verb in WRITES and request.code in ("409", "422")
    )


def writes(requests: Mapping[Request, float]) -> float:
    """Writes that somebody's work causes: to the kinds that we use and of Events, by whomever; not of leases."""
    return sum(
        n
        for request, n in requests.items()
        if request.verb in WRITES and (request.plural in _OUR_KINDS or request.plural == kinds.EVENT.plural)
    )


def add(parts: Iterable[ByOwner]) -> ByOwner:
    """The sum over several servers."""
    result: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for part in parts:
        for owner, counts in part.items():
            for key, count in counts.items():
                result[owner][key] += count
    return {owner: dict(counts) for owner, counts in result.items()}


def per(owners: ByOwner, workflows: int) -> ByOwner:
    """Requests per Workflow."""
    return {
        owner: {key: round(count / workflows, 3) for key, count in sorted(counts.items()) if count}
        for owner, counts in owners.items()
    }


def _difference(later: Mapping[K, float], earlier: Mapping[K, float]) -> dict[K, float]:
    return {
        key: value - earlier.get(key, 0.0) for key, value in later.items() if value != earlier.get(key, 0.0)
    }
