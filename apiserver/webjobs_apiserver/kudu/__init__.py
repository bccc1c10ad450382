"""Kudu's WebJobs API: routes, shapes, status codes and texts as App Service has them."""
