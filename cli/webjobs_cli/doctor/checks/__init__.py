"""Checks: each from the facts of an installation to findings. Pure."""
