"""What a Workflow needs at its widest: CPU, memory and pods at the same time. Pure, an estimate from its spec alone.

- A pod needs the requests of its containers and sidecars together, or that of its largest init container if that is
  more. Limits count where a container has no request, as Kubernetes does it. What Argo adds to a pod is left out.
- Steps run group after group: the widest group counts. The tasks of a DAG run level by level, a task one level below
  the deepest task that it depends on: the widest level counts. CPU, memory and pods may peak in different ones.
- `withItems` and `withSequence` count as often as they run; `withParam`, which is known only later, counts once.
- `parallelism`, of the Workflow or of a template, limits how many of the largest run at once.
- A template of another object (`templateRef`, `workflowTemplateRef`), or a number in a parameter, counts as nothing. So
  does what is malformed, which the cluster or Argo names, and templates nested deeper than Argo runs them.

Sources: Argo's documentation of templates and loops; v1 Pod for how requests add up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

Json = Mapping[str, Any]
Amount = Callable[[str], float]

_MAX_ITEMS = 1_000_000

# The largest number of a quantity, by the API; more of anything at once no cluster has.
_MOST = 2**63


class Need(NamedTuple):
    """`cpu` in cores, `memory` in bytes; `pods` is whole, or infinity where a cluster doesn't limit them."""

    cpu: float = 0.0
    memory: float = 0.0
    pods: float = 0

    def plus(self, other: Need) -> Need:
        return Need(self.cpu + other.cpu, self.memory + other.memory, self.pods + other.pods)

    def times(self, count: int) -> Need:
        return Need(self.cpu * count, self.memory * count, self.pods * count)

    def minus(self, other: Need) -> Need:
        return Need(self.cpu - other.cpu, self.memory - other.memory, self.pods - other.pods)

    def at_least(self, other: Need) -> Need:
        return Need(max(self.cpu, other.cpu), max(self.memory, other.memory), max(self.pods, other.pods))

    def at_most(self, other: Need) -> Need:
        return Need(min(self.cpu, other.cpu), min(self.memory, other.memory), min(self.pods, other.pods))

    def __str__(self) -> str:
        """Such as `2.5 CPU, 4.0 GiB, 3 pods`; what is 0 is left out."""
        words = [f"{_short(self.cpu)} CPU"] if self.cpu else []
        words += [f"{_short(self.memory / 2**30)} GiB"] if self.memory else []
        words += ["1 pod" if self.pods == 1 else f"{self.pods:.0f} pods"] if self.pods else []
        return ", ".join(words) or "nothing"


def _short(number: float) -> str:
    """Three digits, or all of a large number."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


NOTHING = Need()
_LIMIT = Need(_MOST, _MOST, _MOST)


def peak(spec: Any, amount: Amount) -> Need:
    """The need of a Workflow with this spec, whatever that holds; never raises. `amount` reads a quantity, and raises
    ValueError for text that is none."""
    try:
        return _Estimate(_map(spec), amount).whole()
    except RecursionError:
        return NOTHING  # some 200 templates one in the other, of which Argo runs 100


class _Estimate:
    def __init__(self, spec: Json, amount: Amount) -> None:
        self._spec = spec
        self._amount = amount
        templates = [item for item in _list(spec.get("templates")) if isinstance(item, Mapping)]
        self._templates = {name: item for item in templates if (name := _text(item.get("name")))}
        self._under_way: set[str] = set()  # templates that are being looked at: one may call itself
        self._known: dict[str, tuple[Need, Need]] = {}

    def whole(self) -> Need:
        found = NOTHING
        for name in (self._spec.get("entrypoint"), self._spec.get("onExit")):
            wide, one = self._named(_text(name))
            found = found.at_least(_limited(wide, one, self._spec.get("parallelism")))
        return found

    # -- templates: (everything at once, the largest pod) ---------------------------------------------------

    def _named(self, name: str) -> tuple[Need, Need]:
        template = self._templates.get(name)
        if template is None or name in self._under_way:
            return NOTHING, NOTHING
        if name not in self._known:
            self._under_way.add(name)
            self._known[name] = self._template(template)
            self._under_way.discard(name)
        return self._known[name]

    def _template(self, template: Json) -> tuple[Need, Need]:
        if template.get("steps") is not None:
            groups = [_group(item) for item in _list(template["steps"])]
            wide, one = self._levels(groups)
        elif template.get("dag") is not None:
            wide, one = self._levels(_by_depth(_list(_map(template["dag"]).get("tasks"))))
        else:
            wide = one = self._pod(template)
        return _limited(wide, one, template.get("parallelism")), one

    def _levels(self, levels: Iterable[Iterable[Json]]) -> tuple[Need, Need]:
        widest = largest = NOTHING
        for level in levels:
            wide = NOTHING
            for node in level:
                whole, one = self._node(node)
                wide, largest = wide.plus(whole), largest.at_least(one)
            widest = widest.at_least(wide)
        return widest, largest

    def _node(self, node: Json) -> tuple[Need, Need]:
        inline = node.get("inline")
        if isinstance(inline, Mapping):
            wide, one = self._template(inline)
        else:
            wide, one = self._named(_text(node.get("template")))
        return wide.times(_count(node)).at_most(_LIMIT), one

    # -- pods ---------------------------------------------------------------------------------------------

    def _pod(self, template: Json) -> Need:
        main = [template.get("container") or template.get("script")]
        main += _list(_map(template.get("containerSet")).get("containers"))
        containers = [item for item in main if isinstance(item, Mapping)]
        if not containers:
            return Need(pods=1) if template.get("resource") is not None else NOTHING
        sidecars = [item for item in _list(template.get("sidecars")) if isinstance(item, Mapping)]
        together = NOTHING
        for item in (*containers, *sidecars):
            together = together.plus(self._requests(item))
        for item in _list(template.get("initContainers")):
            if isinstance(item, Mapping):
                together = together.at_least(self._requests(item))
        return together._replace(pods=1)

    def _requests(self, container: Json) -> Need:
        resources = _map(container.get("resources"))
        asked = {**_map(resources.get("limits")), **_map(resources.get("requests"))}
        return Need(self._read(asked.get("cpu")), self._read(asked.get("memory")))

    def _read(self, quantity: Any) -> float:
        try:
            return min(max(0.0, self._amount(str(quantity))), _MOST) if quantity is not None else 0.0
        except ValueError:
            return 0.0  # a parameter, or a mistake that the cluster will name


def _limited(wide: Need, one: Need, parallelism: Any) -> Need:
    if not isinstance(parallelism, int) or isinstance(parallelism, bool) or parallelism <= 0:
        return wide
    return wide.at_most(one.times(min(parallelism, _MOST)))


def _count(node: Json) -> int:
    """How often a step or a task runs at the same time."""
    if node.get("withItems") is not None:
        return len(_list(node["withItems"]))
    sequence = node.get("withSequence")
    if isinstance(sequence, Mapping):
        if (count := _int(sequence.get("count"))) is not None:
            return max(0, min(count, _MAX_ITEMS))
        start, end = _int(sequence.get("start")) or 0, _int(sequence.get("end"))
        if end is not None:
            return min(abs(end - start) + 1, _MAX_ITEMS)
    return 1


def _by_depth(tasks: Iterable[Any]) -> list[list[Json]]:
    """Tasks that depend on nothing, then those that depend on these, and so on. Those of a cycle, which never run, are
    left out."""
    named = {_text(task.get("name")): task for task in tasks if isinstance(task, Mapping)}
    waits = {name: {one for one in _needs(task) if one in named} for name, task in named.items()}
    followers: dict[str, list[str]] = {}
    for name, above in waits.items():
        for one in above:
            followers.setdefault(one, []).append(name)
    levels: list[list[str]] = []
    level = [name for name, above in waits.items() if not above]
    while level:
        levels.append(level)
        below = []
        for done in level:
            for name in followers.get(done, ()):
                waits[name].discard(done)
                if not waits[name]:
                    below.append(name)
        level = below
    return [[named[name] for name in level] for level in levels]


def _needs(task: Json) -> list[str]:
    """Names of the tasks before this one: `dependencies`, or those that the expression `depends` names."""
    if task.get("dependencies"):
        return [_text(name) for name in _list(task["dependencies"])]
    return [
        found.partition(".")[0] for found in re.findall(r"[A-Za-z0-9_][\w.-]*", _text(task.get("depends")))
    ]


def _group(item: Any) -> list[Json]:
    """A group of steps is a list; in some old manifests it is wrapped in an object."""
    steps = item.get("steps") if isinstance(item, Mapping) else item
    return [step for step in _list(steps) if isinstance(step, Mapping)]


def _map(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _int(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
