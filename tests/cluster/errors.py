"""The one exception whose text is meant for the user as it stands."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """Something the user can act on: a missing program, a failed build, a node that does not come up."""
