"""What an API server counts, read from its own text format and put down to whoever it was."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hack.bench import apimetrics
from hack.bench.apimetrics import Request, Snapshot, parse

TEXT = """\
# HELP apiserver_request_total [STABLE] Counter of apiserver requests.
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="argoproj.io",resource="workflows",\
scope="resource",subresource="",verb="PATCH",version="v1alpha1"} 7
apiserver_request_total{code="201",component="apiserver",dry_run="",group="argoproj.io",resource="workflows",\
scope="resource",subresource="",verb="POST",version="v1alpha1"} 2
apiserver_request_total{code="409",component="apiserver",dry_run="",group="work.open-cluster-management.io",\
resource="manifestworks",scope="resource",subresource="status",verb="PATCH",version="v1"} 1
apiserver_request_total{code="200",component="",dry_run="",group="",resource="",scope="",subresource="/readyz",\
verb="GET",version=""} 3
# TYPE apiserver_request_body_size_bytes histogram
apiserver_request_body_size_bytes_bucket{group="argoproj.io",resource="workflows",verb="patch",le="50000"} 7
apiserver_request_body_size_bytes_sum{group="argoproj.io",resource="workflows",verb="patch"} 900
apiserver_request_body_size_bytes_sum{group="argoproj.io",resource="workflows",verb="create"} 100
apiserver_request_body_size_bytes_count{group="argoproj.io",resource="workflows",verb="patch"} 7
# TYPE apiserver_watch_events_sizes histogram
apiserver_watch_events_sizes_bucket{group="argoproj.io",resource="workflows",version="v1alpha1",le="1024"} 2
apiserver_watch_events_sizes_sum{group="argoproj.io",resource="workflows",version="v1alpha1"} 5000
apiserver_watch_events_sizes_count{group="argoproj.io",resource="workflows",version="v1alpha1"} 4
some_other_metric_total{resource="workflows"} 99
"""


def test_parse() -> None:
    found = parse(TEXT)
    assert found.requests == {
        Request("workflows", "PATCH", "200"): 7,
        Request("workflows", "POST", "201"): 2,
        Request("manifestworks/status", "PATCH", "409"): 1,
    }
    assert found.body_bytes == {"workflows": 1000}
    assert found.watch_bytes == {"workflows": 5000}


def test_since_leaves_out_what_stood_still() -> None:
    one, two = Request("workflows", "PATCH", "200"), Request("workflows", "POST", "201")
    event = Request("events", "POST", "201")
    earlier = Snapshot({one: 5, two: 2}, {"workflows": 10}, {"workflows": 7})
    later = Snapshot({one: 9, two: 2, event: 1}, {"workflows": 30, "events": 4}, {"workflows": 8})
    assert later.since(earlier) == Snapshot(
        {one: 4, event: 1}, {"workflows": 20, "events": 4}, {"workflows": 1}
    )


@pytest.mark.parametrize(
    ("resource", "verb", "on_hub", "on_managed"),
    [
        ("workflows", "POST", "user", "ours"),
        ("workflows", "DELETE", "user", "ours"),
        ("workflows", "PATCH", "ours", "ours"),
        ("manifestworks", "POST", "ours", "ours"),
        ("manifestworks/status", "PATCH", "ours", "ours"),
        ("workflowstatusresults", "POST", "ours", "ours"),
        ("workflowstatusresults", "DELETE", "ours", "ours"),
        ("events", "POST", "events", "events"),
        ("leases", "PUT", "leases", "leases"),
        ("leases", "GET", "leases", "leases"),
        ("leases", "WATCH", None, None),
        ("serviceaccounts", "POST", "cluster", "cluster"),
        ("workflows", "GET", "reads", "reads"),
        ("workflows", "LIST", "reads", "reads"),
        ("workflows", "WATCH", None, None),
        ("configmaps", "GET", None, None),
    ],
)
def test_whose_request_it_is(resource: str, verb: str, on_hub: str | None, on_managed: str | None) -> None:
    spent = {Request(resource, verb, "200"): 3.0}
    for hub, owner in ((True, on_hub), (False, on_managed)):
        expected = {owner: {f"{resource} {verb}": 3.0}} if owner else {}
        assert apimetrics.by_owner(spent, hub=hub) == expected


@pytest.mark.parametrize(
    ("patches", "executed", "ours", "executors"),
    [(40.0, 10, 10.0, 30.0), (30.0, 10, 0.0, 30.0), (5.0, 10, 0.0, 5.0), (7.0, 0, 7.0, 0.0)],
)
def test_the_executors_patches_are_known(
    patches: float, executed: int, ours: float, executors: float
) -> None:
    found = apimetrics.without_executor({"ours": {"workflows PATCH": patches}}, executed)
    assert found["ours"]["workflows PATCH"] == ours
    assert found["executor"]["workflows PATCH"] == executors


def test_codes_of_one_request_are_added_up() -> None:
    spent = {Request("workflows", "PATCH", "200"): 3.0, Request("workflows", "PATCH", "409"): 1.0}
    assert apimetrics.by_owner(spent, hub=True) == {"ours": {"workflows PATCH": 4.0}}
    assert apimetrics.conflicts(spent) == 1
    assert apimetrics.writes(spent) == 4


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], {}),
        ([{"ours": {"a": 1.0}}, {"ours": {"a": 2.0, "b": 1.0}}], {"ours": {"a": 3.0, "b": 1.0}}),
        ([{"ours": {"a": 1.0}}, {"user": {"a": 2.0}}], {"ours": {"a": 1.0}, "user": {"a": 2.0}}),
    ],
)
def test_add(parts: list[apimetrics.ByOwner], expected: Mapping[str, Mapping[str, float]]) -> None:
    assert apimetrics.add(parts) == expected


def test_per_workflow() -> None:
    owners = {"ours": {"workflows PATCH": 50.0, "manifestworks POST": 0.0}}
    assert apimetrics.per(owners, 20) == {"ours": {"workflows PATCH": 2.5}}
