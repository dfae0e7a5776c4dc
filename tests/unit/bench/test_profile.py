"""Shares of a profile: by function, over all stacks."""

from __future__ import annotations

import pytest

from hack.bench.cli import main
from hack.bench.profile import Share, shares

RAW = """\
main (run.py:1);reconcile (a.py:10);encode (json.py:5) 6
main (run.py:1);reconcile (a.py:12) 2
main (run.py:1);reconcile (a.py:12);reconcile (a.py:10) 1
main (run.py:2);<lambda> (b.py:3) 1
Stopped sampling process 123 because it exited
"""


def test_shares() -> None:
    found = shares(RAW)
    assert found[:3] == [
        Share("main (run.py)", 1.0, 0.0),
        Share("reconcile (a.py)", 0.9, 0.3),
        Share("encode (json.py)", 0.6, 0.6),
    ]
    assert found[3:] == [Share("<lambda> (b.py)", 0.1, 0.1)]
    assert sum(item.own for item in found) == pytest.approx(1)


def test_nothing_was_sampled() -> None:
    assert shares("") == []


def test_an_unknown_scenario_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "burst-3"]) == 1
    assert "no scenario is called burst-3; there are burst-300-1c-2k" in capsys.readouterr().err
