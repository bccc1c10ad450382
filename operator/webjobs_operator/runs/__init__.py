"""Runs from their start to the end of their record."""
