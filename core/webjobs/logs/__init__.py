"""Logs: Kudu's lines, and what is known of containers' output."""
