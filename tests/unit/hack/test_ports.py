"""Choosing ports: never a busy one, never the same one twice."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hack.fleet import ports
from hack.fleet.errors import FleetError
from hack.fleet.ports import Reservation


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> range:
    """A range of three ports that were free a moment ago."""
    for start in range(20_000, 32_000, 3):
        try:
            for port in range(start, start + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        monkeypatch.setattr(ports, "RANGE", range(start, start + 3))
        return range(start, start + 3)
    pytest.skip("no three free ports in a row")


def test_two_reservations_never_share_a_port(three: range, tmp_path: Path) -> None:
    with Reservation(tmp_path / "locks") as one, Reservation(tmp_path / "locks") as two:
        taken = [one.take(3), two.take(3), one.take(3)]
        assert sorted(taken) == list(three)
        with pytest.raises(FleetError, match="no free port"):
            two.take(3)


def test_a_released_port_is_free_again(three: range, tmp_path: Path) -> None:
    with Reservation(tmp_path / "locks") as one:
        taken = {one.take(3) for _ in three}
    with Reservation(tmp_path / "locks") as two:
        assert {two.take(3) for _ in three} == taken


def test_a_port_that_somebody_listens_on_is_not_chosen(three: range, tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", three[1]))
        busy.listen()
        with Reservation(tmp_path / "locks") as reservation:
            assert {reservation.take(3), reservation.take(3)} == {three[0], three[2]}
