"""A one-node cluster of real Kubernetes programs, compiled from source, without a container engine."""
