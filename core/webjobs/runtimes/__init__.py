"""Runtimes: which file of a package runs, by which runtime of which version, in which image, and why. Pure."""
