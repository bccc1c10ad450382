"""Commands: one module for each group of them; each function takes a Session and returns the exit code."""
