"""The command line: help that teaches, errors that explain, exit statuses that scripts can use."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hack.fleet.cli import main
from hack.fleet.layout import REPOSITORY
from hack.fleet.status import age


@pytest.mark.parametrize("command", ["up", "down", "status", "demo", "binary", "crds"])
def test_help_knows_the_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], [command, "--help"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
        assert command in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["fly"], ["up", "--clusters", "-1"], ["binary", "kubelet"]])
def test_nonsense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_status_without_a_fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--dir", str(tmp_path)]) == 1
    assert "no fleet in" in capsys.readouterr().err


def test_down_without_a_fleet_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down", "--dir", str(tmp_path)]) == 0
    assert "no fleet in" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "", "nonsense: ["])
def test_a_bad_kubeconfig_is_explained(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    assert main(["crds", "install", "--kubeconfig", str(path)]) == 1
    assert "is not usable" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_an_interruption(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import os, signal, sys\n"
        "from hack.fleet import cli\n"
        f"cli._status = lambda options: os.kill(os.getpid(), {int(number)}) or signal.pause()\n"
        f"sys.exit(cli.main(['status', '--dir', {str(tmp_path)!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, b"interrupted" in done.stderr) == (130, True)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (None, "-"),
        ("2026-01-01T00:00:00.000000Z", "30s"),
        ("2025-12-31T23:50:30Z", "10m"),
        ("2025-12-31T20:00:30Z", "4h"),
        ("2026-01-01T00:01:00Z", "0s"),
    ],
)
def test_age(since: str | None, expected: str) -> None:
    assert age(since, datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)) == expected
