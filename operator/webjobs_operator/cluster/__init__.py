"""The cluster as the operator knows it, and writes to it."""
