"""The contract of Kudu's WebJobs API (docs/kudu-contract.md) as data: routes, and rows of request and answer."""
