"""`python -m hasnet_cli`: the command `hasnet`, as `torchrun -m hasnet_cli train` needs it."""

from __future__ import annotations

import sys

from hasnet_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
