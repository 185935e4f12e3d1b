"""``python -m langflow_api``: the same as the command ``langflow-api``."""

from __future__ import annotations

import sys

from ._cli import main

if __name__ == "__main__":
    sys.exit(main())
