"""Results for tests, with what a test is about given by name."""

from __future__ import annotations

from typing import Any

from hack.bench.distribution import Distribution, distribution
from hack.bench.process_usage import Usage
from hack.bench.results import Ceiling, Growth, Machine, Replicas, Restart, Result, Storage, Stored, Trip

LATENCY = distribution([0.010, 0.020, 0.030])


def trip(name: str = "burst-60-1c-2k", **given: Any) -> Trip:
    figures: dict[str, Any] = {
        "load": "burst of 60",
        "clusters": 1,
        "status_bytes": 2048,
        "workflows": 60,
        "finished": 60,
        "wrong": 0,
        "dispatch": LATENCY,
        "status": LATENCY,
        "end_to_end": LATENCY,
        "workflows_per_second": 30.0,
        "hub_writes": 12.0,
        "refused": 0.0,
        "requests": {
            "hub": {"ours": {"manifestworks POST": 1.0}, "user": {"workflows POST": 1.0}},
            "managed": {},
        },
        "hub_bytes": {"workflows": 3000.0},
        "processes": {"controllers": Usage(1.5, 90.0), "etcd": Usage(0.5, 60.0)},
        "cleanup_seconds": 2.0,
        "cleanup_hub_writes": 3.0,
        "of_ceiling": 0.5,
    }
    return Trip(name=name, **(figures | given))


def growth(axis: str, size: int, **given: Any) -> Growth:
    restart = Restart(1.0, 2.0, 0.8, 90.0, 95.0, {"reads": {"workflows LIST": 4.0}})
    figures: dict[str, Any] = {
        "restarts": {"controllers": restart},
        "trip": trip(f"{axis}-{size}", of_ceiling=None),
    }
    return Growth(axis=axis, size=size, **(figures | given))


def storage(in_use: int = 2_000_000, per_workflow: int | None = 16_000) -> Storage:
    kinds = [Stored("hub", "workflows", 1_000, 3_090), Stored("cluster1", "workflows", 1_000, 4_279)]
    return Storage(in_use, per_workflow, kinds)


def replicas(processes: int, **given: Any) -> Replicas:
    names = ["controllers", *(f"controllers-{number}" for number in range(2, processes + 1))]
    used = {name: Usage(1.0, 80.0) for name in names}
    figures: dict[str, Any] = {
        "shards": 4,
        "namespaces": 16,
        "balanced_seconds": 1.5,
        "trip": trip(f"replicas-{processes}", of_ceiling=None, processes=used),
    }
    return Replicas(processes=processes, **(figures | given))


def result(**given: Any) -> Result:
    figures: dict[str, Any] = {
        "date": "2026-11-21",
        "revision": "abc1234",
        "machine": Machine("a processor", 2, 8.0, "Linux 6.1"),
        "versions": {"kubernetes": "v1.36.3"},
        "ceilings": [Ceiling("1c-2k", 400, 16, 60.0, 6, 3, 0.03)],
        "trips": [trip()],
    }
    return Result(**(figures | given))


EMPTY = Distribution()
