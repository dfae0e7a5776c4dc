"""Connections to one API server: kubernetes-asyncio's connector with its TLS, our session on top.

The library's own session trusts the environment, which makes aiohttp read ~/.netrc for every request, in a
thread, and refuse the request if it finds an entry there beside our token. Of the environment only the proxy is
meant for us, and that is asked for once.
"""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request
from collections.abc import Iterator
from typing import Any

import aiohttp
import yarl
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.client.rest import RESTClientObject

# An object may have 1.5 MiB and comes as one line of a watch; the reader's default would stall at 64 KiB.
_READ_BUFFER = 2**21


class Pool:
    """At most `maxsize` connections at a time; 0: any number. Make it inside the event loop."""

    def __init__(self, configuration: Configuration, *, maxsize: int) -> None:
        self._rest = RESTClientObject(configuration, maxsize=maxsize)
        self._session = aiohttp.ClientSession(
            connector=self._rest.pool_manager.connector, connector_owner=False, read_bufsize=_READ_BUFFER
        )
        self._engaged = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._options: dict[str, Any] = {}
        proxy = self._rest.proxy or proxy_of_environment(yarl.URL(str(configuration.host)))
        if proxy:
            self._options["proxy"] = proxy
        if self._rest.proxy_headers:
            self._options["proxy_headers"] = self._rest.proxy_headers
        if self._rest.server_hostname:
            self._options["server_hostname"] = self._rest.server_hostname

    async def request(self, method: str, url: yarl.URL, **arguments: Any) -> aiohttp.ClientResponse:
        """As aiohttp's session has it."""
        return await self._session.request(method, url, **self._options, **arguments)

    @contextlib.contextmanager
    def engaged(self) -> Iterator[None]:
        """While a request, and the reading of its answer, is under way: `drain` waits for the end."""
        self._engaged += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._engaged -= 1
            if not self._engaged:
                self._idle.set()

    async def drain(self) -> None:
        """Closes once what is under way has ended, for which nothing new may begin."""
        try:
            await self._idle.wait()
        finally:
            await self.close()

    async def close(self) -> None:
        await self._session.close()
        await self._rest.close()


def proxy_of_environment(server: yarl.URL) -> str | None:
    """What HTTPS_PROXY, HTTP_PROXY and NO_PROXY say for `server`, as the standard library reads them."""
    if urllib.request.proxy_bypass(server.host or ""):
        return None
    return urllib.request.getproxies().get(server.scheme)
