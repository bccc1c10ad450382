"""The domain: WebJobs without Kubernetes clients or web frameworks."""
