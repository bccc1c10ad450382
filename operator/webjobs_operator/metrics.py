"""What the operator counts, for Prometheus at ``/metrics``."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, start_http_server

_JOB = ("namespace", "webjob")

RUNS_ENDED = Counter("webjobs_runs_ended", "Runs that came to an end, by their state.", (*_JOB, "state"))
RUNS_SKIPPED = Counter(
    "webjobs_runs_skipped", "Runs that did not start: another was active, or the job can't run.", _JOB
)
SLOTS_MISSED = Counter("webjobs_slots_missed", "Schedule times that were seen too late to run.", _JOB)
SKEW = Histogram(
    "webjobs_schedule_skew_seconds",
    "From a schedule time of the operator's timer to the record of its run.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 60, 600),
)
PASS_SECONDS = Histogram("webjobs_pass_seconds", "Duration of one pass over a WebJob.")
WAITING = Gauge("webjobs_waiting", "WebJobs that are due and wait for a worker.")


def serve(port: int) -> None:
    """Answers on all addresses from a thread of its own, until the process ends."""
    start_http_server(port)


def forget(namespace: str, webjob: str) -> None:
    """A WebJob is gone: its series go."""
    for metric in (RUNS_SKIPPED, SLOTS_MISSED):
        metric.remove(namespace, webjob)
    RUNS_ENDED.remove_by_labels({"namespace": namespace, "webjob": webjob})
