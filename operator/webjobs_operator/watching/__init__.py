"""What kopf sees: the only folder that imports it, but for the process itself."""
