"""The operator: WebJob objects in, Deployments, CronJobs and Jobs out."""
