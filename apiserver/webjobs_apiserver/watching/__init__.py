"""WebJobs and runs from memory, fed by watches."""
