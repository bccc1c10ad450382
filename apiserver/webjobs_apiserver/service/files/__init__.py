"""The site's file tree over WebJobs, their packages and their logs (``webjobs.files.tree`` says what is where)."""
