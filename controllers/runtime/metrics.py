"""Prometheus metrics under the names that users of controller-runtime know, with the same meaning.

workqueue_* and controller_runtime_* are per controller; rest_client_requests_total counts API requests by code
and verb. Everything is in prometheus_client's default registry, together with process_* and python_*.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

_depth = Gauge("workqueue_depth", "Keys that wait to be reconciled.", ["name"])
_adds = Counter("workqueue_adds_total", "Keys added to the queue.", ["name"])
_queued = Histogram(
    "workqueue_queue_duration_seconds", "How long a key waits before it is taken.", ["name"], buckets=_LATENCY
)
_worked = Histogram(
    "workqueue_work_duration_seconds", "How long handling a key takes.", ["name"], buckets=_LATENCY
)
_retries = Counter("workqueue_retries_total", "Keys added again after a failure.", ["name"])

_reconciles = Counter(
    "controller_runtime_reconcile_total",
    "Reconciliations by result: success, requeue_after, conflict, terminal, error.",
    ["controller", "result"],
)
_errors = Counter("controller_runtime_reconcile_errors_total", "Failed reconciliations.", ["controller"])
_time = Histogram(
    "controller_runtime_reconcile_time_seconds", "Time per reconciliation.", ["controller"], buckets=_LATENCY
)
_active = Gauge("controller_runtime_active_workers", "Reconciliations under way.", ["controller"])
_maximum = Gauge(
    "controller_runtime_max_concurrent_reconciles", "Reconciliations that may run at once.", ["controller"]
)

requests = Counter(
    "rest_client_requests_total", "API requests by status code and method.", ["code", "method"]
)
leader = Gauge("leader_election_master_status", "1 while this process holds the lease.", ["name"])
shards_owned = Gauge("argosy_shards_owned", "Shards that this process works on.")
shard_replicas = Gauge("argosy_shard_replicas", "Processes that share the shards, as this one sees it.")
informer_relists = Counter("argosy_informer_relists_total", "Full lists read from the API server.", ["kind"])
informer_objects = Gauge("argosy_informer_objects", "Objects held in a cache.", ["kind"])
set_aside = Gauge(
    "argosy_objects_set_aside",
    "Objects that cannot be read or handled, and are left out until they change.",
    ["kind"],
)
events_dropped = Counter("argosy_events_dropped_total", "Kubernetes Events not written, by cause.", ["cause"])


class QueueMetrics:
    """The workqueue_* series of one queue."""

    def __init__(self, name: str) -> None:
        self._depth = _depth.labels(name)
        self._adds = _adds.labels(name)
        self._queued = _queued.labels(name)
        self.retries = _retries.labels(name)

    def added(self, depth: int) -> None:
        self._adds.inc()
        self._depth.set(depth)

    def taken(self, waited: float, depth: int) -> None:
        self._queued.observe(waited)
        self._depth.set(depth)

    def dropped(self, depth: int) -> None:
        self._depth.set(depth)


class ControllerMetrics:
    """The controller_runtime_* series of one controller."""

    def __init__(self, name: str, concurrency: int) -> None:
        self._name = name
        self._time = _time.labels(name)
        self._worked = _worked.labels(name)
        self.active = _active.labels(name)
        _maximum.labels(name).set(concurrency)

    def finished(self, result: str, seconds: float) -> None:
        _reconciles.labels(self._name, result).inc()
        if result == "error":
            _errors.labels(self._name).inc()
        self._time.observe(seconds)
        self._worked.observe(seconds)


def observe_request(method: str, status: int) -> None:
    """For `Client.on_request`."""
    requests.labels(str(status), method).inc()
