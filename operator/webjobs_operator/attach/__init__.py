"""Connections to containers: stderr by itself, and runs of pods that wait."""
