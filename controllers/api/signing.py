"""certificates.k8s.io: CertificateSigningRequest, v1. Shapes only, of what is read."""

from __future__ import annotations

from msgspec import field

from controllers.api.meta import ObjectMeta
from controllers.api.model import Model


class SigningCondition(Model):
    """Approved, Denied or Failed."""

    type: str
    status: str = ""
    reason: str = ""
    message: str = ""
    last_update_time: str = ""
    last_transition_time: str = ""


class SigningRequestSpec(Model):
    """`request` is PEM; who asks is filled in by the API server and can't be forged."""

    request: bytes
    signer_name: str = ""
    expiration_seconds: int | None = None
    usages: list[str] = field(default_factory=list)
    username: str = ""
    uid: str = ""
    groups: list[str] = field(default_factory=list)
    extra: dict[str, list[str]] = field(default_factory=dict)


class SigningRequestStatus(Model):
    """`certificate` is PEM, empty until it is issued."""

    certificate: bytes = b""
    conditions: list[SigningCondition] = field(default_factory=list)


class SigningRequest(Model):
    """Somebody asks for a certificate."""

    metadata: ObjectMeta
    spec: SigningRequestSpec
    status: SigningRequestStatus = SigningRequestStatus()

    def said(self, kind: str) -> SigningCondition | None:
        """The condition of that type, if it is True."""
        found = (item for item in self.status.conditions if item.type == kind and item.status != "False")
        return next(found, None)
