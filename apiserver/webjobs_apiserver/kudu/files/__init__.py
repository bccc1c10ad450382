"""The file tree over HTTP: files and folders, and zips of them."""
