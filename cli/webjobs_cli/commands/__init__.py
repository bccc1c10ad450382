"""One module for each group of commands; each function takes a Session and gives the exit code."""
