"""The one adapter to the Kubernetes API that operator and REST shim share."""
