"""The REST shim: Kudu's WebJobs API over WebJob objects."""
