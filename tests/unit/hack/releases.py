"""A stand-in for the official download sites: a local HTTP server that binaries are published on."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hack.fleet.download import Asset


class Releases:
    """Files by path (`/<host>/<path>`), and what was asked for."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.truncate = False

    def publish(self, asset: Asset, binary: bytes, *, digest: str | None = None) -> None:
        """Publish a binary packed as `asset` says, with its checksum (or a wrong one)."""
        content = pack(asset, binary)
        digest = digest or hashlib.sha256(content).hexdigest()
        form = {
            "plain": digest,
            "sums": f"{'0' * 64}  other.tar.gz\n{digest} *{asset.name}\n",
            "github": f'{{"assets": [{{"name": "{asset.name}", "digest": "sha256:{digest}"}}]}}',
        }
        self.files[path(asset.url)] = content
        self.files[path(asset.digest_url)] = form[asset.digest].encode()


def path(url: str) -> str:
    return "/" + url.removeprefix("https://")


def pack(asset: Asset, binary: bytes) -> bytes:
    if asset.member:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            info = tarfile.TarInfo(asset.member)
            info.size = len(binary)
            tar.addfile(info, io.BytesIO(binary))
        return packed.getvalue()
    return gzip.compress(binary) if asset.name.endswith(".gz") else binary


@contextlib.contextmanager
def serving() -> Iterator[Releases]:
    """Serve until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    releases = Releases(server.server_address[1])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            releases.asked.append(self.path)
            content = releases.files.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            half = len(content or b"") // 2
            self.wfile.write((content or b"")[:half] if releases.truncate else content or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield releases
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
