"""The reading of facts by the Kubernetes API and by REST. It writes nothing."""
