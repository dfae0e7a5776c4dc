"""/healthz and /readyz of a process that starts."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from controllers.kube.client import Client
from controllers.runtime.health import AddressError
from controllers.runtime.informer import Informer
from controllers.runtime.manager import Manager
from tests.eventually import eventually
from tests.integration.running import managing
from tests.integration.runtime.informing import config_maps
from tests.integration.tcp_proxy import TcpProxy


async def test_the_probes_say_what_is_not_ready_yet(proxied: Client, proxy: TcpProxy, namespace: str) -> None:
    proxy.refuse()
    manager = Manager(listen=("127.0.0.1", 0))
    manager.add_informer(Informer(proxied, config_maps(namespace)))
    hub_says: list[bool] = []
    manager.add_check("hub", lambda: bool(hub_says))
    async with managing(manager), aiohttp.ClientSession() as session:
        assert manager.health is not None
        health = manager.health
        await eventually(lambda: proxy.accepted > 0)
        base = f"http://127.0.0.1:{health.port}"

        async def get(path: str) -> tuple[int, str]:
            async with session.get(base + path) as answer:
                return answer.status, await answer.text()

        assert await get("/healthz") == (200, "ok\n")
        not_ready = "[-]cache:configmaps not ready\n[-]hub not ready\nnot ready\n"
        assert await get("/readyz") == (503, not_ready)
        proxy.welcome()
        hub_says.append(True)

        async def ready() -> bool:
            return await get("/readyz") == (200, "[+]cache:configmaps ok\n[+]hub ok\nready\n")

        await eventually(ready)


async def test_an_address_that_is_taken_is_named() -> None:
    taken = asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with await taken as server:
        port = server.sockets[0].getsockname()[1]
        manager = Manager(listen=("127.0.0.1", port))
        with pytest.raises(AddressError, match=rf"127\.0\.0\.1:{port}.*--listen"):
            await manager.run()
