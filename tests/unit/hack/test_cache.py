"""The cache: whole files only, made once however many want them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hack.fleet import cache
from hack.fleet.cancel import Cancellation
from hack.fleet.errors import Cancelled
from hack.fleet.versions import BINARIES


def fail_if_waiting() -> None:
    pytest.fail("there is nobody to wait for")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"ARGOSY_CACHE": "/a", "XDG_CACHE_HOME": "/x"}, "/a"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/argosy"),
        ({"HOME": "/home/me"}, "/home/me/.cache/argosy"),
    ],
)
def test_root(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str) -> None:
    monkeypatch.setattr(cache, "system", lambda: "linux")
    for name in ("ARGOSY_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(cache.root()) == expected


def test_a_binary_is_filed_by_machine_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_CACHE", "/a")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr(cache, "system", lambda: "linux")
    assert str(cache.binary_path(BINARIES["etcd"])) == "/a/bin/linux-arm64/etcd-v3.7.3"


def test_two_at_once_make_it_once(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "thing"
    begun, proceed = threading.Event(), threading.Event()
    waited: list[str] = []
    made: list[str] = []

    def slow(path: Path) -> None:
        begun.set()
        proceed.wait(20)
        made.append("slow")
        path.write_text("whole")

    def quick(path: Path) -> None:
        made.append("quick")

    def waits() -> None:
        waited.append("waits")
        proceed.set()

    def second() -> None:
        cache.fill(target, quick, Cancellation(), waits)

    threads = [
        threading.Thread(target=cache.fill, args=(target, slow, Cancellation(), fail_if_waiting)),
        threading.Thread(target=second),
    ]
    threads[0].start()
    assert begun.wait(20)
    threads[1].start()
    for thread in threads:
        thread.join(20)
    assert (made, waited, target.read_text()) == (["slow"], ["waits"], "whole")


def test_a_failure_leaves_nothing_in_its_place(tmp_path: Path) -> None:
    target = tmp_path / "thing"

    def broken(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError):
        cache.fill(target, broken, Cancellation(), fail_if_waiting)
    assert [path.name for path in tmp_path.iterdir()] == [".thing.lock"]
    cache.fill(target, lambda path: void(path.write_text("whole")), Cancellation(), fail_if_waiting)
    assert target.read_text() == "whole"


def test_waiting_for_another_can_be_interrupted(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    cancellation = Cancellation()

    def nested(path: Path) -> None:
        cache.fill(target, fail, cancellation, cancellation.cancel)

    with pytest.raises(Cancelled):
        cache.fill(target, nested, Cancellation(), fail_if_waiting)


def void(_: object) -> None:
    return None


def fail(path: Path) -> None:
    pytest.fail(f"{path} is being made already")
