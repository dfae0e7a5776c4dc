"""`python -m hack.fleet`."""

import sys

from hack.fleet.cli import main

sys.exit(main())
