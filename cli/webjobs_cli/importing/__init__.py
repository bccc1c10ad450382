"""Bringing the jobs of an App Service site over: what there is, what becomes of it, and doing it."""
