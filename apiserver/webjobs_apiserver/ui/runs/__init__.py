"""A run and its log as pages show them."""
