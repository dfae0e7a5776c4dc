"""The kubeconfig with which the agent talks to its hub: made, and judged. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agent.certificates import Certificate, CertificateError, belongs, read
from controllers.api.membership import AGENT
from controllers.kube.kubeconfig import KubeconfigError, account_of, cluster_of, kubeconfig

Json = dict[str, Any]


def by_certificate(hub: Mapping[str, Any], cluster: str, certificate: bytes, key: bytes) -> Json:
    """For the agent of `cluster`. `hub` as of `cluster_of`; the others PEM."""
    pair = {"client-certificate-data": certificate, "client-key-data": key}
    account = {name: base64.b64encode(value).decode() for name, value in pair.items()}
    return kubeconfig(hub, account, user=AGENT, namespace=cluster)


def by_token(hub: Mapping[str, Any], cluster: str, token: str) -> Json:
    """For the agent of `cluster`, where it has a ServiceAccount's token."""
    return kubeconfig(hub, {"token": token}, user=AGENT, namespace=cluster)


def certificate_of(kept: Mapping[str, Any]) -> Certificate | None:
    """The certificate in it; None if it has another kind of credentials. Raises KubeconfigError for a certificate that
    can't be read, or whose key is not beside it."""
    account = account_of(kept)
    if "client-certificate-data" not in account:
        return None
    try:
        pair = [base64.b64decode(account.get(f"client-{name}-data", "")) for name in ("certificate", "key")]
        found = read(pair[0])
    except (binascii.Error, CertificateError) as error:
        raise KubeconfigError(str(error)) from error
    if not belongs(*pair):
        raise KubeconfigError("its key is not the certificate's")
    return found


def key_of(kept: Mapping[str, Any]) -> bytes:
    """The private key in it, PEM. Raises KubeconfigError."""
    try:
        return base64.b64decode(account_of(kept).get("client-key-data", ""))
    except binascii.Error as error:
        raise KubeconfigError(str(error)) from error


def fault(kept: Mapping[str, Any], cluster: str, now: datetime, *, hub: str = "") -> str:
    """Why it can't be used by the agent of `cluster`, "" if it can. `hub`: the URL that it should be for; "": any."""
    try:
        server, certificate = str(cluster_of(kept)["server"]), certificate_of(kept)
    except KubeconfigError as error:
        return str(error)
    if hub and server != hub:
        return f"it is for another hub, {server}"
    if certificate is None:
        return ""
    if certificate.is_of_another(cluster):
        return f"its certificate is for {certificate.user}, not for the agent of {cluster}"
    if certificate.ends <= now:
        return f"its certificate has ended at {certificate.ends:%Y-%m-%d %H:%M} UTC"
    return ""
