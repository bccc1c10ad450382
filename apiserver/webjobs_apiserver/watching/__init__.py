"""WebJobs and runs in memory, fed by watches."""
