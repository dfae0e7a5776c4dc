"""cluster.open-cluster-management.io: managed clusters, what they claim and how add-ons score them.

Field-compatible with OCM's API (open-cluster-management.io/api v1.2.0): same names, enums, defaults and list
types; the descriptions are ours. Owns the shapes only. The same group's sets and bindings are in
`controllers.api.cluster_set`, Placement and PlacementDecision in `controllers.api.placement`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from controllers.api.meta import QUALIFIED_NAME, Condition, ObjectMeta
from controllers.api.model import Int32, Model, Quantity, Timestamp, extra

TaintEffect = Annotated[str, extra(enum=["NoSelect", "PreferNoSelect", "NoSelectIfNew"])]

DEFAULT_LEASE_SECONDS = 60

# Conditions of a ManagedCluster: the hub has let it in; its agent has been there; its agent lives.
ACCEPTED = "HubAcceptedManagedCluster"
JOINED = "ManagedClusterJoined"
AVAILABLE = "ManagedClusterConditionAvailable"

# Keys of the taints that the hub gives a cluster whose agent does not, or says that the cluster is not.
UNREACHABLE = "cluster.open-cluster-management.io/unreachable"
UNAVAILABLE = "cluster.open-cluster-management.io/unavailable"

_DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

Conditions = Annotated[
    list[Condition],
    Meta(description="Conditions, one per type."),
    extra(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["type"]),
]


# -- ManagedCluster, spec --------------------------------------------------------------------------------
class ClientConfig(Model):
    """One address of a managed cluster's API server."""

    url: Annotated[str, Meta(description="URL of the API server.")]
    ca_bundle: Annotated[
        str,
        Meta(description="Certificates to trust at that URL, PEM in base64; unset: the system's."),
        extra(format="byte"),
    ] = ""


class Taint(Model):
    """Keeps Placements off a cluster unless they tolerate it."""

    key: Annotated[
        str,
        Meta(description="Name of the taint, such as `example.com/maintenance`."),
        extra(maxLength=316, pattern=QUALIFIED_NAME),
    ]
    value: Annotated[str, Meta(description="Value that a toleration may ask for."), extra(maxLength=1024)] = (
        ""
    )
    effect: Annotated[
        TaintEffect,
        Meta(
            description=(
                "NoSelect drops the cluster from every Placement without a toleration, NoSelectIfNew only from "
                "those that have not selected it yet, PreferNoSelect from none."
            )
        ),
    ]
    time_added: Annotated[
        Timestamp | None,
        Meta(description="When the taint was put on; tolerationSeconds count from here."),
        extra(nullable=True),
    ] = None


class ManagedClusterSpec(Model):
    """What the hub wants of the cluster, and how to reach it."""

    managed_cluster_client_configs: Annotated[
        list[ClientConfig],
        Meta(description="Addresses of the cluster's API server; empty if the hub has no way to reach it."),
    ] = field(default_factory=list)
    hub_accepts_client: Annotated[
        bool,
        Meta(
            description=(
                "Whether the hub lets the cluster in. True gives the cluster a namespace of its name on the hub "
                "and the agent its rights there; setting it needs the right to update managedclusters/accept."
            )
        ),
    ] = False
    lease_duration_seconds: Annotated[
        Int32,
        Meta(description="How often the agent renews its lease; after five times that it counts as lost."),
        extra(default=DEFAULT_LEASE_SECONDS),
    ] = DEFAULT_LEASE_SECONDS
    taints: Annotated[
        list[Taint],
        Meta(
            description=(
                "Reasons not to place work here. The taints for an unavailable or unreachable cluster belong to "
                "the hub; others may be set by whoever may update the cluster."
            )
        ),
    ] = field(default_factory=list)


# -- ManagedCluster, status ------------------------------------------------------------------------------
class ManagedClusterVersion(Model):
    """Versions that the cluster runs."""

    kubernetes: Annotated[str, Meta(description="Version of its API server, such as `v1.36.3`.")] = ""


class ManagedClusterClaim(Model):
    """A ClusterClaim of the cluster, as its agent reported it."""

    name: Annotated[str, Meta(description="Name of the ClusterClaim."), extra(minLength=1, maxLength=253)] = (
        ""
    )
    value: Annotated[str, Meta(description="Its value."), extra(minLength=1, maxLength=1024)] = ""


class ManagedNamespace(Model):
    """A namespace of the cluster that a cluster set manages."""

    name: Annotated[str, Meta(description="Name of the namespace."), extra(maxLength=63, pattern=_DNS_LABEL)]


class ClusterSetManagedNamespace(ManagedNamespace):
    """A namespace of the cluster, and the cluster set that manages it."""

    cluster_set: Annotated[str, Meta(description="Name of the ManagedClusterSet that manages it.")]
    conditions: Conditions = field(default_factory=list)


class ManagedClusterStatus(Model):
    """What the cluster's agent and the hub report."""

    conditions: Conditions = field(default_factory=list)
    capacity: Annotated[
        dict[str, Quantity], Meta(description="Resources of all nodes together, by resource name.")
    ] = field(default_factory=dict)
    allocatable: Annotated[
        dict[str, Quantity], Meta(description="Resources open to workloads, by resource name.")
    ] = field(default_factory=dict)
    version: Annotated[ManagedClusterVersion, Meta(description="Versions that the cluster runs.")] = (
        ManagedClusterVersion()
    )
    cluster_claims: Annotated[
        list[ManagedClusterClaim],
        Meta(description="What the cluster says about itself: its ClusterClaims, copied by the agent."),
    ] = field(default_factory=list)
    managed_namespaces: Annotated[
        list[ClusterSetManagedNamespace],
        Meta(description="Namespaces that cluster sets manage on this cluster."),
        extra(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["clusterSet", "name"]),
    ] = field(default_factory=list)


class ManagedCluster(Model):
    """A cluster that takes work from this hub. Its name is also the name of its namespace on the hub."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    spec: Annotated[ManagedClusterSpec, Meta(description="What the hub wants of the cluster.")] = field(
        default_factory=ManagedClusterSpec
    )
    status: Annotated[ManagedClusterStatus, Meta(description="What was reported of the cluster.")] = field(
        default_factory=ManagedClusterStatus
    )

    def claims(self) -> dict[str, str]:
        """The reported ClusterClaims by name; of two with one name the last, as in OCM."""
        return {claim.name: claim.value for claim in self.status.cluster_claims}


# -- ClusterClaim and AddOnPlacementScore ----------------------------------------------------------------
class ClusterClaimSpec(Model):
    """The claim's value."""

    value: Annotated[
        str,
        Meta(description="What is claimed; its meaning depends on the name."),
        extra(minLength=1, maxLength=1024),
    ] = ""


class ClusterClaim(Model):
    """A fact about a managed cluster, kept there and copied into its ManagedCluster on the hub."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    spec: Annotated[ClusterClaimSpec, Meta(description="The claim's value.")] = field(
        default_factory=ClusterClaimSpec
    )


class AddOnPlacementScoreItem(Model):
    """One score of the cluster."""

    name: Annotated[str, Meta(description="Name of the score, to which a Placement refers.")]
    value: Annotated[
        Int32, Meta(description="The score; higher is better."), extra(minimum=-100, maximum=100)
    ]


class AddOnPlacementScoreStatus(Model):
    """The scores, and until when they hold."""

    conditions: Conditions = field(default_factory=list)
    valid_until: Annotated[
        Timestamp | None, Meta(description="Until when the scores count; unset: for good.")
    ] = None
    scores: Annotated[
        list[AddOnPlacementScoreItem],
        Meta(description="The scores, one per name."),
        extra(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["name"]),
    ] = field(default_factory=list)


class AddOnPlacementScore(Model):
    """Scores that an add-on gives a cluster for Placements to rank by; lives in the cluster's namespace."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    status: Annotated[AddOnPlacementScoreStatus, Meta(description="The scores.")] = field(
        default_factory=AddOnPlacementScoreStatus
    )
