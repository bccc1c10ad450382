"""The backup of a site as one tar: made as a stream, and restored from one."""
