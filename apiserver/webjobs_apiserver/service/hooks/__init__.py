"""The web hooks of a site: which there are, and how runs that have ended are told to them."""
