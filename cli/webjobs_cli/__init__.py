"""``kubectl webjob``: WebJobs from the command line, by a kubeconfig, and by the REST shim where it must be."""
