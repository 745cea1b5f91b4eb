"""The command line of statedrill, with one more row in the table of faults."""

from __future__ import annotations

import sys

from statedrill import faults
from statedrill.cli.main import main
from tests.faults.toy_fault import Toy

if __name__ == "__main__":
    faults.FAULTS = (*faults.FAULTS, Toy)
    sys.exit(main())
