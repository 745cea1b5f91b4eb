"""`python -m statedrill`: the same as the command `statedrill`."""

from __future__ import annotations

import sys

from statedrill.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
