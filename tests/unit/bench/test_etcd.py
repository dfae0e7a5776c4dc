"""What etcd is asked, and how its answers are read: against a gateway that keeps its keys in a dictionary."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from controllers.api.kinds import APPLIED_MANIFEST_WORK, WORKFLOW
from hack.bench.etcd import Etcd, Written, after, key_of, written
from hack.bench.results import Stored

METRICS = """\
# TYPE etcd_mvcc_put_total counter
etcd_mvcc_put_total 587
# TYPE etcd_disk_wal_write_bytes_total gauge
etcd_disk_wal_write_bytes_total 1.746328e+06
etcd_disk_wal_write_duration_seconds_count 1182
"""


class Gateway:
    """As much of etcd's gateway as is asked for; its database is as large as its values are."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.largest_transaction = 0
        self.compacted = 0
        self.defragmented = False

    def application(self) -> web.Application:
        routes = {
            "/v3/kv/range": self.range,
            "/v3/kv/txn": self.transaction,
            "/v3/kv/compaction": self.compaction,
            "/v3/maintenance/status": self.status,
            "/v3/maintenance/defragment": self.defragment,
        }
        application = web.Application()
        application.add_routes([web.post(path, handle) for path, handle in routes.items()])
        application.add_routes([web.get("/metrics", self.metrics)])
        return application

    async def range(self, request: web.Request) -> web.Response:
        asked = await request.json()
        begin = _text(asked["key"])
        end = _text(asked["range_end"]) if "range_end" in asked else f"{begin}\0"
        found = sorted((key, value) for key, value in self.keys.items() if begin <= key < end)
        if asked.get("count_only"):
            return web.json_response({"count": str(len(found))} if found else {})
        shown = [
            {"key": _bytes(key.encode()), "value": _bytes(value)}
            for key, value in found[: asked.get("limit")]
        ]
        # As protobuf's JSON has it: no empty lists, and 64-bit numbers as text.
        return web.json_response({"kvs": shown, "count": str(len(found))} if found else {})

    async def transaction(self, request: web.Request) -> web.Response:
        operations: list[dict[str, Any]] = (await request.json())["success"]
        self.largest_transaction = max(self.largest_transaction, len(operations))
        for operation in operations:
            put = operation["requestPut"]
            self.keys[_text(put["key"])] = base64.b64decode(put["value"])
        return web.json_response({})

    async def compaction(self, request: web.Request) -> web.Response:
        revision = int((await request.json())["revision"])
        if revision == self.compacted:
            return web.json_response({"code": 11}, status=400)
        self.compacted = revision
        return web.json_response({})

    async def status(self, _: web.Request) -> web.Response:
        size = sum(map(len, self.keys.values()))
        return web.json_response({"header": {"revision": "42"}, "dbSizeInUse": str(size)})

    async def defragment(self, _: web.Request) -> web.Response:
        self.defragmented = True
        return web.json_response({})

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(text=METRICS)


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()


def _bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.fixture
async def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
async def etcd(gateway: Gateway) -> AsyncIterator[Etcd]:
    async with TestServer(gateway.application()) as server:
        assert server.port is not None
        async with Etcd.connected(server.port) as client:
            yield client


async def test_what_is_put_can_be_got(etcd: Etcd, gateway: Gateway) -> None:
    values = {f"/hub/{number:04}": str(number).encode() for number in range(250)}
    await etcd.put(values.items())
    assert gateway.keys == values
    assert gateway.largest_transaction == 100
    assert await etcd.get("/hub/0007") == b"7"
    with pytest.raises(KeyError):
        await etcd.get("/hub/000")


async def test_objects_are_counted_by_cluster_and_kind(etcd: Etcd) -> None:
    await etcd.put(
        [
            (key_of("hub", WORKFLOW, "argo", "a"), b"x" * 10),
            (key_of("hub", WORKFLOW, "argo", "b"), b"x" * 20),
            (key_of("cluster1", WORKFLOW, "argo", "a"), b"x" * 99),
            ("/hub/argoproj.io/workflowstatusresults/cluster1/a", b"x" * 99),
        ]
    )
    assert await etcd.stored("hub", [WORKFLOW, APPLIED_MANIFEST_WORK]) == [
        Stored("hub", "workflows", 2, 15),
        Stored("hub", "appliedmanifestworks", 0, 0),
    ]
    assert await etcd.count("hub", WORKFLOW) == 2
    assert await etcd.count("hub", APPLIED_MANIFEST_WORK) == 0
    assert await etcd.size_in_use() == 228


async def test_compacting_twice_is_no_error(etcd: Etcd, gateway: Gateway) -> None:
    await etcd.compact()
    await etcd.compact()
    await etcd.defragment()
    assert (gateway.compacted, gateway.defragmented) == (42, True)


async def test_counters(etcd: Etcd) -> None:
    assert await etcd.written() == written(METRICS) == Written(587, 1_746_328)
    assert Written(10, 100).since(Written(4, 30)) == Written(6, 70)


@pytest.mark.parametrize(
    ("namespace", "name", "key"),
    [
        ("argo", "a", "/hub/argoproj.io/workflows/argo/a"),
        ("", "a", "/hub/argoproj.io/workflows/a"),
    ],
)
def test_keys(namespace: str, name: str, key: str) -> None:
    assert key_of("hub", WORKFLOW, namespace, name) == key


def test_the_first_key_behind_a_prefix() -> None:
    assert "/hub/a/" < "/hub/a/zzz" < after("/hub/a/") <= "/hub/a0"
