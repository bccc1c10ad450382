"""Authentication and authorization: before anything else, so that nobody else learns even which routes exist."""
