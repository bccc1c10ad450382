"""The contract of Kudu's WebJobs API as data: routes, and rows of request and answer."""
