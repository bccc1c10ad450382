"""Who gets in, and for what: before anything else, so that nobody else learns even which routes exist."""
