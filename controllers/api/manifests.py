"""Writes crds/ from the models: `python -m controllers.api.manifests [--check] [--out crds]`.

Owns the files: one per definition, named `<group>_<plural>.yaml`, each with a header by which this module knows
its own. Files without the header are never touched.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from controllers.api.crd import Resource
from controllers.api.crd_resources import RESOURCES

HEADER = "# Generated from the models in controllers/api by `make manifests`. Do not edit.\n"


class _Dumper(yaml.SafeDumper):
    """Indents lists under their key, and never writes anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def render(resource: Resource) -> str:
    """The definition as YAML with sorted keys: the same text for the same model, on every machine."""
    return HEADER + yaml.dump(resource.definition(), Dumper=_Dumper, width=110, allow_unicode=True)


def file_name(resource: Resource) -> str:
    return f"{resource.kind.group}_{resource.kind.plural}.yaml"


def rendered(resources: Sequence[Resource] = RESOURCES) -> dict[str, str]:
    """Text by file name."""
    return {file_name(resource): render(resource) for resource in resources}


def drift(files: dict[str, str], folder: Path) -> list[str]:
    """One line for each file of the folder that is missing, differs, or is generated but not wanted any more."""
    lines = []
    for name, text in sorted(files.items()):
        path = folder / name
        if not path.exists():
            lines.append(f"{path}: missing")
        elif path.read_text(encoding="utf-8") != text:
            lines.append(f"{path}: differs from the models")
    return lines + [f"{path}: no model gives it" for path in _stale(files, folder)]


def write(files: dict[str, str], folder: Path) -> None:
    """Makes the folder hold the files, and removes generated ones that are not among them."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in _stale(files, folder):
        path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _stale(files: dict[str, str], folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.glob("*.yaml")
        if path.name not in files and path.read_text(encoding="utf-8").startswith(HEADER)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0; 1 if `--check` found drift, which it prints."""
    parser = argparse.ArgumentParser(prog="python -m controllers.api.manifests", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file is out of date")
    parser.add_argument("--out", type=Path, default=Path("crds"), help="the folder (default: %(default)s)")
    options = parser.parse_args(arguments)
    files = rendered()
    if not options.check:
        write(files, options.out)
        return 0
    lines = drift(files, options.out)
    if lines:
        print(*lines, "Run `make manifests` and commit the result.", sep="\n", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
