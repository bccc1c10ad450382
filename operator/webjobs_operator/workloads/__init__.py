"""CronJobs, Deployments and what they need."""
