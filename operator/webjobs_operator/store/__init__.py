"""Removal of what the store no longer needs."""
