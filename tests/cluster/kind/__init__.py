"""A cluster by kind, in a container of the machine's engine."""
