"""What is of a whole site: its app settings, what they mean, and its content."""
