"""What a manifest is: its identity, and whether a work may carry it.

Owns the reading of the embedded objects' heads, and OCM's admission rules for them (the webhook
`pkg/work/webhook/common` of open-cluster-management.io/ocm v1.2.0), which a hub without OCM does not enforce. Where the
webhook refuses a work, here the manifests that are at fault are refused, each with its reason. Never looks at the rest
of an object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from controllers.api.keys import HUB_UID_ANNOTATION
from controllers.api.model import Model
from controllers.api.work import ManifestResourceMeta

# OCM's default for all manifests of a work together (`manifestLimit` of its webhook).
MAX_MANIFESTS_BYTES: Final = 500 * 1024

# What a REST path can be made of: everything else would lead to another object than the one that is named.
_API_VERSION: Final = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_NO_PATH_SEGMENT: Final = re.compile(r"\.{1,2}|.*[/%].*", re.DOTALL)


class ManifestError(ValueError):
    """A manifest that cannot be applied; the message says why, for the work's status."""


class Identity(NamedTuple):
    """Which object a manifest describes. `namespace` is "" where the manifest names none."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.api_version} {self.kind} {name}"


class Entry(NamedTuple):
    """One manifest of a work: its identity, or the problem that keeps it from being applied.

    `origin` is the uid of the hub object that the manifest is a copy of, "" if the manifest does not say.
    """

    ordinal: int
    identity: Identity | None
    problem: str = ""
    origin: str = ""


class _Metadata(Model):
    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    annotations: dict[str, str] | None = None


class _Head(Model):
    api_version: str = ""
    kind: str = ""
    metadata: _Metadata = _Metadata()
    items: Raw = Raw()


_HEAD = msgspec.json.Decoder(_Head)


def identify(manifest: Raw | bytes) -> Identity:
    """The identity of one manifest. Raises ManifestError if it is no object or lacks a part of it."""
    return _identity(_head(manifest))


def annotations_of(manifest: Raw | bytes) -> Mapping[str, str]:
    """The annotations of one manifest. Raises ManifestError if it is no object."""
    return _head(manifest).metadata.annotations or {}


def read_manifests(manifests: Sequence[Raw | bytes], *, limit: int | None = None) -> list[Entry]:
    """An entry for each manifest, in order. Of two manifests for one object the later has the problem.

    So has one that would take the sum of those before it, as far as they have no problem themselves, above `limit`
    bytes (`size_of`); None: there is no limit.
    """
    seen: dict[Identity, int] = {}
    entries = []
    taken = 0
    for ordinal, manifest in enumerate(manifests):
        try:
            head = _head(manifest)
            identity = _identity(head)
        except ManifestError as error:
            entries.append(Entry(ordinal, None, str(error)))
            continue
        first = seen.setdefault(identity, ordinal)
        problem = "" if first == ordinal else f"duplicate of manifest {first}: {identity}"
        size = size_of(manifest)
        if not problem and limit is not None and taken + size > limit:
            problem = _too_large(size, taken, limit)
        taken += 0 if problem else size
        origin = (head.metadata.annotations or {}).get(HUB_UID_ANNOTATION, "")
        entries.append(Entry(ordinal, identity, problem, origin))
    return entries


def size_of(manifest: Raw | bytes) -> int:
    """Bytes of a manifest as OCM's webhook counts them: its JSON, and what protobuf puts before it (a tag, and the
    length in 7 bits a byte)."""
    length = len(memoryview(manifest))
    return 1 + (max(length.bit_length(), 1) + 6) // 7 + length


def _too_large(size: int, taken: int, limit: int) -> str:
    return (
        f"it takes {size} bytes and the manifests before it {taken}, together more than the {limit} that the manifests "
        "of a work may take: move it to another ManifestWork, or raise --max-manifests-bytes of the cluster's agent"
    )


def resource_meta(entry: Entry, resource: str = "", *, namespaced: bool = True) -> ManifestResourceMeta:
    """How the work's status names the manifest.

    `resource` (plural) and the scope come from discovery; leave `resource` empty where the cluster does not
    serve the kind.
    """
    if entry.identity is None:
        return ManifestResourceMeta(ordinal=entry.ordinal)
    identity = entry.identity
    return ManifestResourceMeta(
        ordinal=entry.ordinal,
        group=identity.group,
        version=identity.version,
        kind=identity.kind,
        resource=resource,
        name=identity.name,
        namespace=identity.namespace if namespaced else "",
    )


def _head(manifest: Raw | bytes) -> _Head:
    try:
        return _HEAD.decode(manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"the manifest is not a Kubernetes object: {error}") from error


def _identity(head: _Head) -> Identity:
    if not head.api_version or not head.kind:
        raise ManifestError("apiVersion and kind must be set in the manifest")
    if head.metadata.generate_name:
        raise ManifestError("generateName must not be set in the manifest")
    if not head.metadata.name:
        if head.kind.endswith("List") and bytes(head.items):
            raise ManifestError(
                f"kind {head.kind} is not one object but several: make each of its items a manifest of the work"
            )
        raise ManifestError("name must be set in the manifest")
    if not _API_VERSION.fullmatch(head.api_version):
        raise ManifestError(f"apiVersion {head.api_version!r} is neither a version nor group/version")
    for field, text in (("name", head.metadata.name), ("namespace", head.metadata.namespace)):
        if _NO_PATH_SEGMENT.fullmatch(text):
            raise ManifestError(f"{field} {text!r} must not be '.' or '..', nor contain '/' or '%'")
    group, _, version = head.api_version.rpartition("/")
    return Identity(group, version, head.kind, head.metadata.namespace, head.metadata.name)
