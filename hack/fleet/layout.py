"""Where everything of a fleet lies: the one place that knows file names inside the fleet's directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_DIRECTORY = REPOSITORY / ".local"
CRDS = REPOSITORY / "crds"
EXAMPLES = REPOSITORY / "examples"
HUB = "hub"


@dataclass(frozen=True)
class Layout:
    """Paths of one fleet; `root` is absolute. Nothing is created by asking for a path."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def etcd(self) -> Path:
        return self.data / "etcd"

    def log(self, cluster: str, part: str) -> Path:
        """logs/<cluster>-<part>.log; what belongs to no cluster is named after the part alone."""
        return self.logs / (f"{cluster}-{part}.log" if cluster else f"{part}.log")

    def kubeconfig(self, name: str) -> Path:
        """The administrator's kubeconfig of a cluster, or with `<cluster>.agent` the agent's for the hub."""
        return self.root / f"{name}.kubeconfig"

    def pod_logs(self, name: str) -> Path:
        """KWOK's setting of what `kubectl logs` shows for a cluster's fake pods."""
        return self.cluster(name) / "pod-logs.yaml"

    def cluster(self, name: str) -> Path:
        """Keys, certificates and settings of one cluster's processes."""
        return self.data / name
