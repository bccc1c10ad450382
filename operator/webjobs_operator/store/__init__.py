"""What the operator removes from the store."""
