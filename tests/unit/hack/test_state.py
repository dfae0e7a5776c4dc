"""state.json: what is written is read; what cannot be read is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.fleet import state
from hack.fleet.errors import FleetError
from hack.fleet.state import ClusterState, Process, State
from tests.unit.hack.parts import SLEEPS, python_part


def test_round_trip(tmp_path: Path) -> None:
    written = State(
        clusters=[ClusterState("hub", "/hub.kubeconfig", "https://127.0.0.1:1")],
        processes=[Process(python_part(tmp_path, SLEEPS), 42, 1234.5)],
        bare=False,
        complete=True,
    )
    state.save(tmp_path / "sub" / "state.json", written)
    assert state.load(tmp_path / "sub" / "state.json") == written
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["state.json"]


def test_no_file_is_no_fleet(tmp_path: Path) -> None:
    assert state.load(tmp_path / "state.json") is None


@pytest.mark.parametrize("text", ["", "{", '{"processes": 3}'])
def test_an_unreadable_file_is_explained(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(FleetError, match=r"state\.json is not readable"):
        state.load(path)
