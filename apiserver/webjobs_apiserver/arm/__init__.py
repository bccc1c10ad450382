"""Azure Resource Manager's form of the WebJobs API, as Azure's own SDKs and CLI speak it (docs/arm-contract.md)."""
