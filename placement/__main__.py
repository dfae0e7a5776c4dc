"""`python -m placement`: questions about placement. The controller itself runs in `python -m controllers`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from placement.explain import command


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="python -m placement", description="Asks a hub about placement, and writes nothing."
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command.add_to(commands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status as of the command."""
    return command.main(parser().parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
