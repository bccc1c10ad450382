"""What a built cluster is made of: compiled once for the machine, from pinned versions."""
