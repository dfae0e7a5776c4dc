"""The ways to a binary, in their order, with stand-ins for the programs, the network and the Go compiler."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hack.fleet import build as building
from hack.fleet import cache
from hack.fleet.binaries import Binaries, installed
from hack.fleet.cancel import Cancellation
from hack.fleet.download import asset
from hack.fleet.errors import BinaryUnavailable, PartFailed
from hack.fleet.progress import Silent
from hack.fleet.versions import BINARIES
from tests.unit.hack.releases import Releases, serving

ETCD = BINARIES["etcd"]

# Writes its arguments to where `go build -o` points, counts its calls, and takes a little time, like go.
_GO = """#!/bin/sh
echo called >> {calls}
sleep 0.1
{fail}
while [ "$1" != "-o" ]; do shift; done
printf 'built %s' "$3" > "$2"
chmod +x "$2"
"""


class Machine:
    """A machine with nothing on it, to which one adds."""

    def __init__(self, root: Path, releases: Releases) -> None:
        self.path, self.assets, self.releases = root / "path", root / "assets", releases
        self.go_calls = root / "go-calls"
        for directory in (self.path, self.assets):
            directory.mkdir()
        for tool in ("sleep", "chmod"):
            (self.path / tool).symlink_to(f"/bin/{tool}")

    def script(self, where: Path, name: str, text: str) -> Path:
        target = where / name
        target.write_text(text)
        target.chmod(0o755)
        return target

    def add_etcd(self, where: Path, version: str) -> Path:
        return self.script(where, "etcd", f"#!/bin/sh\necho etcd Version: {version}\n")

    def add_go(self, fail: str = "") -> None:
        self.script(self.path, "go", _GO.format(calls=self.go_calls, fail=fail))

    def publish_etcd(self, digest: str | None = None) -> None:
        wanted = asset(ETCD, cache.system(), cache.architecture())
        assert wanted is not None
        self.releases.publish(wanted, b"downloaded", digest=digest)

    def find_etcd(self) -> Path:
        return Binaries(Silent(), Cancellation()).ensure(["etcd"])["etcd"]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with serving() as releases:
        made = Machine(tmp_path, releases)
        monkeypatch.setenv("PATH", str(made.path))
        monkeypatch.setenv("KUBEBUILDER_ASSETS", str(made.assets))
        monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("ARGOSY_DOWNLOAD_BASE", releases.base)
        monkeypatch.setattr(building, "_USUAL_GO", tmp_path / "no-go")
        monkeypatch.setattr(cache, "system", lambda: "linux")
        yield made


def test_an_installed_one_of_the_right_version_is_used(machine: Machine) -> None:
    on_path = machine.add_etcd(machine.path, "3.7.3")
    assert machine.find_etcd() == on_path
    in_assets = machine.add_etcd(machine.assets, "3.7.3")
    assert machine.find_etcd() == in_assets


def test_an_installed_one_of_another_version_is_passed_over(machine: Machine) -> None:
    machine.add_etcd(machine.path, "3.5.1")
    machine.script(machine.assets, "etcd", "#!/bin/sh\nexit 1\n")
    assert installed(ETCD) is None
    machine.publish_etcd()
    assert machine.find_etcd() == cache.binary_path(ETCD)


def test_a_release_is_downloaded_once_and_then_cached(machine: Machine) -> None:
    machine.publish_etcd()
    assert machine.find_etcd().read_bytes() == b"downloaded"
    asked = len(machine.releases.asked)
    assert machine.find_etcd().read_bytes() == b"downloaded"
    assert len(machine.releases.asked) == asked


@pytest.mark.parametrize("digest", [None, "a" * 64], ids=["not published", "wrong checksum"])
def test_without_a_good_release_it_is_built(machine: Machine, digest: str | None) -> None:
    if digest:
        machine.publish_etcd(digest)
    machine.add_go()
    found = machine.find_etcd()
    assert found == cache.binary_path(ETCD)
    assert found.read_text() == f"built {ETCD.package}"
    assert os.access(found, os.X_OK)


def test_a_failed_build_names_its_log_and_leaves_nothing(machine: Machine) -> None:
    machine.add_go(fail="echo undefined: foo >&2; exit 2")
    with pytest.raises(PartFailed) as caught:
        machine.find_etcd()
    assert "building etcd ended with status 2" in str(caught.value)
    assert "undefined: foo" in str(caught.value)
    assert str(cache.log_path(ETCD)) in str(caught.value)
    assert not cache.binary_path(ETCD).exists()


def test_without_any_way_the_message_says_what_to_do(machine: Machine) -> None:
    with pytest.raises(BinaryUnavailable) as caught:
        machine.find_etcd()
    assert "there is no `go` here: install Go" in str(caught.value)
    assert "SHA256SUMS: 404" in str(caught.value)


def test_two_commands_at_once_build_it_once(machine: Machine) -> None:
    machine.add_go()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: machine.find_etcd(), range(2)))
    assert found == [cache.binary_path(ETCD)] * 2
    assert found[0].read_text() == f"built {ETCD.package}"
    assert machine.go_calls.read_text() == "called\n"


def test_several_are_found_together(machine: Machine) -> None:
    machine.add_go()
    names = ["etcd", "kwok", "kube-apiserver", "kube-scheduler", "workflow-controller"]
    found = Binaries(Silent(), Cancellation()).ensure(names)
    assert {name: path.read_text() for name, path in found.items()} == {
        name: f"built {BINARIES[name].package}" for name in names
    }
