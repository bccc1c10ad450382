"""From the bytes of a batch file to its syntax tree, by cmd's rules and in cmd's order. Pure."""
