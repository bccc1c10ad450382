"""Files of jobs: packages that come in, the tree that clients see, and earlier packages."""
