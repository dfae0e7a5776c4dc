"""The supervisor of a container, run as it runs there, with small programs in place of a cluster's."""

from __future__ import annotations

import http.server
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from hack.fleet import containers_image
from hack.fleet.build import find_go
from hack.fleet.cancel import Cancellation
from hack.fleet.progress import Silent
from hack.fleet.versions import BUILD_DIR
from tests.eventually import eventually

SLEEPS = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"
IGNORES_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"


class Gate(http.server.ThreadingHTTPServer):
    """Answers 200 to whoever has the token, once it is open."""

    def __init__(self) -> None:
        self.open = False
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers.get("Authorization") == "Bearer secret"
                self.send_response(401 if not known else 200 if gate.open else 503)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def probe(self, **more: str) -> dict[str, str]:
        return {"url": f"http://127.0.0.1:{self.server_port}/", **more}


class Supervised:
    """A running supervisor and what it has written so far."""

    def __init__(self, binary: Path, settings: Path, programs: list[dict[str, Any]]) -> None:
        settings.write_text(json.dumps(programs))
        self.log = settings.with_suffix(".log")
        with self.log.open("wb") as output:
            self.process = subprocess.Popen([binary, settings], stdout=output)

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    async def says(self, line: str) -> list[str]:
        """All lines up to the wanted one, once it is there."""

        def probe() -> list[str]:
            lines = self.lines()
            assert line in lines, lines
            return lines[: lines.index(line) + 1]

        return await eventually(probe, within=20, what=line)

    async def pid(self, name: str) -> int:
        """What a program that runs SLEEPS has told about itself."""
        start = f"{name} | pid "

        def probe() -> str | None:
            return next((line for line in self.lines() if line.startswith(start)), None)

        return int((await eventually(probe, within=20, what=start)).removeprefix(start))


@pytest.fixture(scope="module")
def binary() -> Path:
    return containers_image.supervisor(Silent(), Cancellation())


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def started(binary: Path, tmp_path: Path) -> Iterator[list[Supervised]]:
    running: list[Supervised] = []
    yield running
    for each in running:
        each.process.kill()
        each.process.wait()


def run(started: list[Supervised], binary: Path, directory: Path, *programs: dict[str, Any]) -> Supervised:
    started.append(Supervised(binary, directory / "settings.json", list(programs)))
    return started[-1]


def python(name: str, code: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "argv": [sys.executable, "-u", "-c", code], **more}


async def test_a_program_is_started_when_what_it_needs_answers(
    started: list[Supervised], binary: Path, tmp_path: Path, gate: Gate
) -> None:
    supervised = run(
        started, binary, tmp_path,
        python("second", SLEEPS, after=gate.probe(token="secret")),
        python("first", SLEEPS, ready=gate.probe(token="secret")),
    )  # fmt: skip
    await supervised.says("supervisor | first was started")
    assert "supervisor | second was started" not in supervised.lines()
    gate.open = True
    await supervised.says("supervisor | second was started")
    await supervised.says("supervisor | first is ready")


async def test_a_program_that_may_not_be_asked_is_never_ready(
    started: list[Supervised], binary: Path, tmp_path: Path, gate: Gate
) -> None:
    gate.open = True
    supervised = run(
        started, binary, tmp_path,
        python("stranger", SLEEPS, ready=gate.probe(token="wrong")),
        python("friend", SLEEPS, ready=gate.probe(token="secret")),
    )  # fmt: skip
    assert "supervisor | stranger is ready" not in await supervised.says("supervisor | friend is ready")


async def test_output_has_its_program_in_front_line_by_line(
    started: list[Supervised], binary: Path, tmp_path: Path
) -> None:
    code = (
        "import os, sys; print('one'); sys.stderr.write('two\\n'); print('is', os.environ['WORD']); " + SLEEPS
    )
    supervised = run(started, binary, tmp_path, python("talks", code, env={"WORD": "said"}))
    lines = await supervised.says("talks | is said")
    assert lines[-3:] == ["talks | one", "talks | two", "talks | is said"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_everything(
    started: list[Supervised], binary: Path, tmp_path: Path, number: signal.Signals
) -> None:
    supervised = run(started, binary, tmp_path, python("a", SLEEPS), python("stubborn", IGNORES_TERM))
    pids = [await supervised.pid("a"), await supervised.pid("stubborn")]
    supervised.process.send_signal(number)
    assert supervised.process.wait(20) == 0
    assert not any(map(psutil.pid_exists, pids))


@pytest.mark.parametrize(
    ("code", "status"),
    [("import sys; sys.exit(3)", 3), ("pass", 0), ("import os; os.kill(os.getpid(), 9)", None)],
)
async def test_when_one_program_ends_all_do(
    started: list[Supervised], binary: Path, tmp_path: Path, gate: Gate, code: str, status: int | None
) -> None:
    supervised = run(
        started, binary, tmp_path,
        python("lives", SLEEPS),
        python("waits", SLEEPS, after=gate.probe(token="secret")),
        python("ends", f"import sys; sys.stdin.readline(); {code}"),
    )  # fmt: skip
    assert supervised.process.wait(20) == 1
    how = "signal: killed" if status is None else f"exit status {status}"
    lines = supervised.lines()
    assert f"supervisor | ends ended: {how}" in lines
    assert "supervisor | waits was started" not in lines
    left = [line.removeprefix("lives | pid ") for line in lines if line.startswith("lives | pid ")]
    assert not any(psutil.pid_exists(int(pid)) for pid in left)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{", "settings.json: unexpected end of JSON input"),
        ('[{"name": "x", "argv": []}]', "x ended: has no command line"),
        (
            '[{"name": "x", "argv": ["/nowhere/x"]}]',
            "x ended: fork/exec /nowhere/x: no such file or directory",
        ),
    ],
)
def test_bad_settings_are_told(binary: Path, tmp_path: Path, settings: str, message: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(settings)
    done = subprocess.run([binary, path], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode in (1, 2)
    assert message in done.stdout


def test_its_sources_are_formatted_and_vetted() -> None:
    go = find_go()
    assert go
    gofmt = str(Path(go).resolve().with_name("gofmt"))
    for command in ([gofmt, "-l", "."], [go, "vet", "./..."]):
        done = subprocess.run(
            command, cwd=BUILD_DIR / "supervisor", capture_output=True, text=True, timeout=300, check=False
        )
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
