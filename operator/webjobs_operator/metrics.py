"""The operator's metrics, for Prometheus at ``/metrics``."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, start_http_server

_JOB = ("namespace", "webjob")

RUNS_ENDED = Counter("webjobs_runs_ended", "Runs that came to an end, by their state.", (*_JOB, "state"))
"""Counter of runs that came to an end, by their state."""
RUNS_SKIPPED = Counter(
    "webjobs_runs_skipped", "Runs that did not start: another was active, or the job can't run.", _JOB
)
"""Counter of runs that did not start."""
SLOTS_MISSED = Counter("webjobs_slots_missed", "Schedule times that were seen too late to run.", _JOB)
"""Counter of schedule times that were seen too late to run."""
SKEW = Histogram(
    "webjobs_schedule_skew_seconds",
    "From a schedule time of the operator's timer to the record of its run.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 60, 600),
)
"""Histogram of the seconds from a schedule time of the operator's timer to the record of its run."""
PASS_SECONDS = Histogram("webjobs_pass_seconds", "Duration of one pass over a WebJob.")
"""Histogram of the seconds that one pass over a WebJob takes."""
WAITING = Gauge("webjobs_waiting", "WebJobs that are due and wait for a worker.")
"""Gauge of the WebJobs that are due and wait for a worker."""


def serve(port: int) -> None:
    """Serve the metrics on all addresses from a thread of its own, until the process ends."""
    start_http_server(port)


def forget(namespace: str, webjob: str) -> None:
    """Remove the series of a WebJob that is gone."""
    for metric in (RUNS_SKIPPED, SLOTS_MISSED):
        metric.remove(namespace, webjob)
    RUNS_ENDED.remove_by_labels({"namespace": namespace, "webjob": webjob})
