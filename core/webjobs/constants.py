"""Names and numbers that several processes have to agree on."""

from __future__ import annotations

PORT = 8100
"""WEBJOBS_PORT: every pod has its own network, so that one number is always free."""
PACKAGE_AUDIENCE = "webjobs.dev/packages"
"""Audience of the token by which a pod shows the REST shim that it may fetch its package."""
PREVIOUS_LOG = "job_prev_log.txt"
"""File name of a log that was rolled over, of a continuous job and of the scheduler alike."""
STATUS_FILE = "status"
"""File name of a run's record, in the store and in Kudu's file tree."""
SITE_STOPPED = 'WebJobs are currently in "stopped" state.'
"""What is told of a site with WEBJOBS_STOPPED, in Kudu's words."""
DEPLOYMENTS = "webjobs-deployments"
"""Name of the ConfigMap of a namespace that holds the deployments of the site; it names their packages."""
SCRIPT_FILE = "script.sh"
"""Name of the shell script that a batch file was translated to, in a job's ConfigMap and in its pods."""
