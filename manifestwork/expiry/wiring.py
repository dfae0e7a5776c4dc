"""What makes the expiry controller look at a ManifestWork: the work itself, and time."""

from __future__ import annotations

from collections.abc import Iterable

from controllers.kube.client import Client
from controllers.runtime.cache import Change
from controllers.runtime.clock import now
from controllers.runtime.controller import Controller, by_own_key
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.reconcile import Request
from manifestwork.expiry.reconciler import ExpiryReconciler
from manifestwork.expiry.remnant import SCOPE, Remnant, remnant


def add_to(manager: Manager, client: Client, informers: Informers, recorder: Recorder) -> Controller:
    """Adds the expiry controller to `manager`."""
    works = informers.of(SCOPE, keep=remnant)
    controller = Controller("expiry", ExpiryReconciler(client, works=works.store, now=now), recorder=recorder)
    controller.watch(works, _mortal)
    return manager.add_controller(controller)


def _mortal(change: Change) -> Iterable[Request]:
    """Works with a lifetime; the others are no concern of this controller however often they report."""
    if change.new is not None and change.new.decode(Remnant).ttl is not None:
        yield from by_own_key(change)
