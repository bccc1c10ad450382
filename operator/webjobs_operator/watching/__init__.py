"""The door to kopf: the only folder that imports it, but for the process itself."""
