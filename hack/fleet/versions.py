"""Which programs a fleet is made of, and in which versions. The only place where a version is written.

The Go modules in hack/build pin the same versions for building; a unit test holds the two together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

BUILD_DIR = Path(__file__).resolve().parent.parent / "build"

_STRIP = ("-s", "-w")
_KUBERNETES_VERSION = "k8s.io/component-base/version.gitVersion"
_ARGO_VERSION = "github.com/argoproj/argo-workflows/v4.version"


@dataclass(frozen=True)
class Module:
    """A Go module that binaries are built from: its folder in hack/build, its path, its version."""

    folder: str
    path: str
    version: str

    @property
    def directory(self) -> Path:
        return BUILD_DIR / self.folder


ETCD = Module("etcd", "go.etcd.io/etcd/server/v3", "v3.7.3")
KUBERNETES = Module("kubernetes", "k8s.io/kubernetes", "v1.36.3")
ARGO = Module("argo", "github.com/argoproj/argo-workflows/v4", "v4.0.2")
KWOK = Module("kwok", "sigs.k8s.io/kwok", "v0.8.0")
OCM = Module("ocm", "open-cluster-management.io/ocm", "v1.2.0")
HELM = Module("helm", "helm.sh/helm/v3", "v3.22.0")
MODULES = (ETCD, KUBERNETES, ARGO, KWOK, OCM, HELM)


@dataclass(frozen=True)
class Binary:
    """One program.

    `build_seconds` is what a build from nothing takes on two cores, given that the modules' earlier
    binaries are built. `version_args` make it print its version, `version_pattern` finds the number there.
    """

    name: str
    module: Module
    package: str
    build_seconds: int
    version_args: tuple[str, ...] = ("--version",)
    version_pattern: str = r"\bv?(\d+\.\d+\.\d+)"
    version_variable: str = ""

    @property
    def version(self) -> str:
        return self.module.version

    @property
    def ldflags(self) -> str:
        stamp = ("-X", f"{self.version_variable}={self.version}") if self.version_variable else ()
        return " ".join((*_STRIP, *stamp))

    def is_version(self, output: str) -> bool:
        """Whether what the program printed about itself names the pinned version."""
        found = re.search(self.version_pattern, output)
        return found is not None and found.group(1) == self.version.removeprefix("v")


def _kubernetes(name: str, seconds: int, *version_args: str) -> Binary:
    return Binary(
        name,
        KUBERNETES,
        f"k8s.io/kubernetes/cmd/{name}",
        seconds,
        version_args or ("--version",),
        version_variable=_KUBERNETES_VERSION,
    )


def _argo(name: str, seconds: int) -> Binary:
    return Binary(
        name,
        ARGO,
        f"{ARGO.path}/cmd/{name}",
        seconds,
        ("version",),
        # The controller logs before it prints its version, so the name in front is part of the pattern.
        rf"(?m)^{name}: v(\d+\.\d+\.\d+)",
        _ARGO_VERSION,
    )


def _ocm(command: str, seconds: int) -> Binary:
    """Tests only: their own names, `work` and `placement`, say too little on a PATH."""
    return Binary(
        f"ocm-{command}",
        OCM,
        f"{OCM.path}/cmd/{command}",
        seconds,
        version_variable=f"{OCM.path}/pkg/version.versionFromGit",
    )


BINARIES: dict[str, Binary] = {
    binary.name: binary
    for binary in (
        Binary("etcd", ETCD, ETCD.path, 45, version_pattern=r"etcd Version: (\d+\.\d+\.\d+)"),
        _kubernetes("kube-apiserver", 180),
        _kubernetes("kube-controller-manager", 50),
        _kubernetes("kube-scheduler", 10),
        Binary("kwok", KWOK, f"{KWOK.path}/cmd/kwok", 60),
        _argo("workflow-controller", 135),
        _kubernetes("kubectl", 20, "version", "--client"),
        _argo("argo", 200),
        _ocm("placement", 200),
        _ocm("work", 20),
        _ocm("registration", 60),
        Binary(
            "helm",
            HELM,
            f"{HELM.path}/cmd/helm",
            90,
            ("version", "--short"),
            version_variable=f"{HELM.path}/internal/version.version",
        ),
    )
}

# What an API server alone needs, and what a cluster that runs Workflows needs on top.
HUB_BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager")
MANAGED_BINARIES = ("kube-scheduler", "kwok")
ARGO_BINARIES = ("workflow-controller",)
# Open Cluster Management's own placement controller, work agent and hub-side registration, for tests of working
# together with them.
OCM_BINARIES = ("ocm-placement", "ocm-work", "ocm-registration")
