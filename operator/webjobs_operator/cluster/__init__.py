"""The cluster as the operator knows it, and the operator's writes to it."""
