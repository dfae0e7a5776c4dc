"""The fleet's etcd, asked through its own HTTP gateway: what is stored, what was written, how much room it takes.

It serves all clusters of the fleet, each under its prefix, so what it counts as a whole is of hub and clusters
together; what it stores can be told apart by keys. It knows bytes, not objects.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple

import aiohttp

from controllers.api.kinds import Kind
from hack.bench.results import Stored
from hack.fleet.argv import LOOPBACK

_PUTS, _WRITTEN = "etcd_mvcc_put_total", "etcd_disk_wal_write_bytes_total"
# Sizes of one kind differ by the digits of a name: a few are enough.
_SAMPLES = 50
# etcd takes at most 128 operations at once, and 1.5 MiB.
_PUTS_AT_ONCE = 100
# A compaction of hundreds of megabytes takes seconds on a busy machine.
_TIMEOUT = aiohttp.ClientTimeout(total=300)


class Written(NamedTuple):
    """Since etcd's start: changes of keys, and bytes that went to its log for them."""

    puts: float
    log_bytes: float

    def since(self, earlier: Written) -> Written:
        return Written(self.puts - earlier.puts, self.log_bytes - earlier.log_bytes)


class Etcd:
    """One etcd without TLS. Use `async with Etcd.connected(port)`. Raises aiohttp.ClientError."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    @classmethod
    @contextlib.asynccontextmanager
    async def connected(cls, port: int) -> AsyncIterator[Etcd]:
        address = f"http://{LOOPBACK}:{port}"
        async with aiohttp.ClientSession(address, timeout=_TIMEOUT, raise_for_status=True) as session:
            yield cls(session)

    async def written(self) -> Written:
        async with self._session.get("/metrics") as response:
            return written(await response.text())

    async def size_in_use(self) -> int:
        """Bytes that the database needs for what is in it."""
        return int((await self._call("/v3/maintenance/status"))["dbSizeInUse"])

    async def compact(self) -> None:
        """Forget all earlier versions of everything, which API servers otherwise keep for five to ten minutes."""
        revision = (await self._call("/v3/maintenance/status"))["header"]["revision"]
        try:
            await self._call("/v3/kv/compaction", revision=revision, physical=True)
        except aiohttp.ClientResponseError as error:
            if error.status != 400:  # it is compacted to there already: nothing was written since
                raise

    async def defragment(self) -> None:
        """Pack what is in the database together. Nothing else is served meanwhile."""
        await self._call("/v3/maintenance/defragment")

    async def get(self, key: str) -> bytes:
        """The value of a key; KeyError if there is none."""
        answer = await self._call("/v3/kv/range", key=_encoded(key))
        if not answer.get("kvs"):
            raise KeyError(key)
        return base64.b64decode(answer["kvs"][0]["value"])

    async def put(self, values: Iterable[tuple[str, bytes]]) -> None:
        """Write keys, each once, as many at a time as etcd takes."""
        batch: list[dict[str, Any]] = []
        for key, value in values:
            put = {"key": _encoded(key), "value": base64.b64encode(value).decode()}
            batch.append({"requestPut": put})
            if len(batch) == _PUTS_AT_ONCE:
                await self._call("/v3/kv/txn", success=batch)
                batch = []
        if batch:
            await self._call("/v3/kv/txn", success=batch)

    async def stored(self, cluster: str, kinds: Sequence[Kind]) -> list[Stored]:
        """How many objects of each kind a cluster has, and how large they are in the store on average."""
        return [await self._stored(cluster, kind) for kind in kinds]

    async def count(self, cluster: str, kind: Kind) -> int:
        """How many objects of a kind a cluster has; costs next to nothing, however many they are."""
        prefix = _prefix(cluster, kind)
        answer = await self._call(
            "/v3/kv/range", key=_encoded(prefix), range_end=_encoded(after(prefix)), count_only=True
        )
        return int(answer.get("count", 0))

    async def _stored(self, cluster: str, kind: Kind) -> Stored:
        prefix = _prefix(cluster, kind)
        answer = await self._call(
            "/v3/kv/range", key=_encoded(prefix), range_end=_encoded(after(prefix)), limit=_SAMPLES
        )
        sizes = [len(base64.b64decode(item["value"])) for item in answer.get("kvs", [])]
        mean = round(sum(sizes) / len(sizes)) if sizes else 0
        return Stored(cluster, kind.plural, int(answer.get("count", 0)), mean)

    async def _call(self, path: str, **body: Any) -> dict[str, Any]:
        async with self._session.post(path, json=body) as response:
            answer: dict[str, Any] = await response.json()
            return answer


def written(text: str) -> Written:
    """The counters from etcd's metrics. Pure."""
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith((_PUTS, _WRITTEN)))
    return Written(float(values[_PUTS]), float(values[_WRITTEN]))


def key_of(cluster: str, kind: Kind, namespace: str, name: str) -> str:
    """Where an API server keeps an object of a kind that a CustomResourceDefinition has defined."""
    return _prefix(cluster, kind) + "/".join(filter(None, (namespace, name)))


def after(prefix: str) -> str:
    """The first key behind all that begin with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _prefix(cluster: str, kind: Kind) -> str:
    return f"/{cluster}/{kind.group}/{kind.plural}/"


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()
