"""The dashboard: pages for people over the same service as the REST APIs, below ``/ui``."""
