"""/healthz, /readyz and /metrics on one port.

/healthz answers as long as the event loop turns. /readyz lists what is not ready and answers 503 until
nothing is left. /metrics is Prometheus's text format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

log = structlog.get_logger(__name__)

Checks = Callable[[], Mapping[str, bool]]


class AddressError(Exception):
    """The address cannot be listened on."""


class HealthServer:
    """Serves on `host:port`; port 0 takes a free one, see `port`."""

    def __init__(self, host: str, port: int, readiness: Checks) -> None:
        self._host = host
        self._port = port
        self._readiness = readiness
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port in use; only while serving."""
        if self._runner is None:
            raise RuntimeError("the health server is not running")
        return int(self._runner.addresses[0][1])

    async def start(self) -> None:
        """Raises AddressError when the address is taken."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/livez", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self.stop()
            raise AddressError(
                f"cannot listen on {self._host}:{self._port} ({error.strerror}); choose another with --listen"
            ) from error
        log.info("health_serving", host=self._host, port=self.port)

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        checks = self._readiness()
        lines = [f"[{'+' if ok else '-'}]{name} {'ok' if ok else 'not ready'}" for name, ok in checks.items()]
        ready = all(checks.values())
        lines.append("ready" if ready else "not ready")
        return web.Response(text="\n".join(lines) + "\n", status=200 if ready else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
