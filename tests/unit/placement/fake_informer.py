"""An informer without a server, for what only listens to changes."""

from __future__ import annotations

from controllers.kube.object import Object
from controllers.runtime.aside import Handler
from controllers.runtime.cache import Change


class FakeInformer:
    """Hands changes to its handlers, as an informer does."""

    def __init__(self) -> None:
        self.handlers: list[Handler] = []
        self.objects: dict[tuple[str, str], Object] = {}

    def add_handler(self, handler: Handler) -> None:
        self.handlers.append(handler)

    def put(self, key: tuple[str, str], new: Object | None) -> None:
        old = self.objects.pop(key, None)
        if new is not None:
            self.objects[key] = new
        if old is not None or new is not None:
            for handler in self.handlers:
                handler(Change(old, new))
