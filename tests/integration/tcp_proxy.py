"""A wire to an API server that can be cut, refused or frozen. It sees no content: TLS passes through."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from urllib.parse import urlsplit

import yaml


class TcpProxy:
    """Listens on a free port and forwards to `host:port`. `start` it, then `stop` it."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._refusing = False
        self._hanging = False
        self.delay = 0.0
        self.accepted = 0

    async def start(self, listen: str = "127.0.0.1") -> int:
        """Returns the port."""
        self._server = await asyncio.start_server(self._accept, listen, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = [connection.task for connection in self._connections]
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        """Breaks every connection; new ones are welcome."""
        for connection in list(self._connections):
            connection.task.cancel()

    def refuse(self) -> None:
        """Breaks every connection and each new one, until `welcome`."""
        self._refusing = True
        self.cut()

    def welcome(self) -> None:
        self._refusing = False
        if self._hanging:
            self._hanging = False
            self.cut()

    def hang(self) -> None:
        """Neither connections of now nor new ones carry anything, until `welcome` breaks them."""
        self._hanging = True
        self.freeze()

    def slow(self, seconds: float) -> None:
        """From now on whatever comes from the server comes so much later."""
        self.delay = seconds

    def freeze(self) -> None:
        """The connections of now carry nothing any more, and nobody is told; new ones work."""
        for connection in self._connections:
            connection.frozen = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        connection = _Connection(task, self)
        self._connections.add(connection)
        try:
            if self._refusing:
                return
            if self._hanging:
                await asyncio.Event().wait()
            upstream = await asyncio.open_connection(*self._target)
            try:
                await connection.carry((reader, writer), upstream)
            finally:
                upstream[1].transport.abort()
        except (OSError, asyncio.CancelledError):
            return  # cut, or the other side went: both ends see a broken connection
        finally:
            self._connections.discard(connection)
            writer.transport.abort()


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Connection:
    def __init__(self, task: asyncio.Task[None], proxy: TcpProxy) -> None:
        self.task = task
        self.frozen = False
        self._proxy = proxy

    async def carry(self, left: Stream, right: Stream) -> None:
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(self._pump(left[0], right[1]))
            pumps.create_task(self._pump(right[0], left[1], from_server=True))

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, from_server: bool = False
    ) -> None:
        while data := await source.read(65536):
            if self.frozen:
                continue  # swallowed, as by a middlebox that forgot the connection
            if from_server and self._proxy.delay:
                await asyncio.sleep(self._proxy.delay)
            sink.write(data)
            await sink.drain()
        if not self.frozen:
            with contextlib.suppress(OSError):
                sink.write_eof()


def target_of(kubeconfig: Path) -> tuple[str, int]:
    """(host, port) of the server in a kubeconfig with one cluster."""
    server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    parts = urlsplit(server)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def through(kubeconfig: Path, port: int, copy: Path, *, host: str = "127.0.0.1") -> Path:
    """Writes `copy`: the same kubeconfig with the server behind a proxy on `host:port`."""
    config = yaml.safe_load(kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://{host}:{port}"
    copy.write_text(yaml.safe_dump(config))
    return copy
