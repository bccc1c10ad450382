"""The doctor: facts of an installation are read, and findings are made of them."""
