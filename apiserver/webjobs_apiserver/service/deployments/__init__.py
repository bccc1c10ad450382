"""Deployments of zips into a site, as Kudu has them."""
