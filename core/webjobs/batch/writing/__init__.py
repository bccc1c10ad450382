"""From the syntax tree of a batch file to sh: one statement near its lines. Pure."""
