"""The workloads of a WebJob in the cluster."""
