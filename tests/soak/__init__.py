"""Everything at once for a quarter of an hour, while operator and shim are killed: see ``__main__``."""
