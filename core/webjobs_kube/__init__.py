"""The one adapter to the Kubernetes API, which operator, REST shim and command line share."""
