"""Writes the generated files, or says which are stale: ``python -m tests.generate [--check]``."""

from __future__ import annotations

import sys

from tests.generate import REPO, wanted


def main() -> int:
    """Exit code 1 with ``--check`` when a file is stale."""
    stale = [path for path, content in wanted().items() if not path.exists() or path.read_text() != content]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(REPO)} is stale: run `make generate` and commit it", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted()[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
