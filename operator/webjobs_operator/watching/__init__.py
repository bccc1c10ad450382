"""The door to kopf: the only folder that imports it."""
