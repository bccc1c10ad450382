"""The facts of a pass: what is known of one WebJob at one moment, and what follows from that alone.

Facts never change. A pass reads them at its begin, and anew after a write, since the cache takes in the answers to
writes: what is decided next is decided on what is there by then. Nothing that follows from facts is computed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from webjobs.model import WebJob, WebJobRun
from webjobs.model.effective_spec import under
from webjobs.model.site.site_content import SiteContent
from webjobs.model.site.site_settings import SiteSettings
from webjobs.objects import Object
from webjobs.pods import is_of_webjob
from webjobs.runs import runs
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.context import armed_jobs

T = TypeVar("T")

KINDS = ("ConfigMap", "PersistentVolumeClaim", "Deployment", "CronJob", "Job", "Pod")
"""Kinds of the objects that are made for a WebJob."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """What is known of a WebJob at one moment."""

    key: Key
    now: datetime
    """When the pass began."""
    webjob: WebJob
    """The WebJob under the settings of its site."""
    site: SiteSettings
    site_content: SiteContent | None = None
    """Content of the site of the WebJob; None: it has none."""
    runs: Mapping[str, WebJobRun]
    """Runs of the WebJob, by object name."""
    objects: Mapping[str, Mapping[str, Object]]
    """What there is in the cluster for the WebJob, by kind (all of KINDS) and name."""
    _derived: dict[Callable[[Facts], Any], Any] = field(default_factory=dict, repr=False)

    def derived(self, rule: Callable[[Facts], T]) -> T:
        """Return what a pure rule says of these facts. It is asked once, however often the answer is needed."""
        if rule not in self._derived:
            self._derived[rule] = rule(self)
        found: T = self._derived[rule]
        return found

    @cached_property
    def jobs(self) -> Mapping[str, Object]:
        """Jobs of the WebJob, by name; not those of somebody else that have its labels."""
        known = self.objects["Job"].items()
        return {name: job for name, job in known if armed_jobs.is_of_webjob(job, self.key[1])}

    @cached_property
    def pods(self) -> Sequence[Object]:
        """Pods of the WebJob; not those of somebody else that have its labels."""
        return [pod for pod in self.objects["Pod"].values() if is_of_webjob(pod, self.key[1])]

    def job_of(self, run: WebJobRun) -> Object | None:
        """Return the Job of a run; None when it has none, or none that is known."""
        return self.jobs.get(run.status.job_name or run.metadata.name)

    def pods_of(self, run: WebJobRun) -> list[Object]:
        """Return the pods of a run."""
        return self._run_pods.of(run)

    @cached_property
    def not_started(self) -> Sequence[WebJobRun]:
        """Runs that wait for their turn and are not being deleted, by run id."""
        return [run for run in self.unrecorded if runs.waits(run, self.webjob)]

    @cached_property
    def unrecorded(self) -> Sequence[WebJobRun]:
        """Runs without a state that are not being deleted, whether they wait or are history, by run id."""
        there = (run for run in self.runs.values() if run.status.state is None and not run.metadata.deletion_timestamp)
        return sorted(there, key=runs.run_id)

    @cached_property
    def active(self) -> Sequence[WebJobRun]:
        """Runs that have started and not ended."""
        return [run for run in self.runs.values() if run.status.state in ("Initializing", "Running")]

    @cached_property
    def _run_pods(self) -> armed_jobs.RunPods:
        return armed_jobs.RunPods(self.pods)


class FactsReader:
    """The reader of the facts of one pass. The WebJob and its site stay as they were when the pass began.

    Else a pass could write what it decided by an earlier spec as the status of a later one.
    """

    def __init__(self, cache: Cache, key: Key, webjob: WebJob, *, now: datetime) -> None:
        self._cache = cache
        self._key = key
        self._now = now
        self._site, self._content = cache.site(key[0]), cache.site_content(key[0])
        self._webjob = under(webjob, self._site)
        self._facts: Facts | None = None
        self._revision = -1

    def __call__(self) -> Facts:
        """Return the facts as they are now: the same ones while nothing has changed."""
        if self._facts is None or self._cache.revision != self._revision:
            self._revision = self._cache.revision
            self._facts = Facts(
                key=self._key,
                now=self._now,
                webjob=self._webjob,
                site=self._site,
                site_content=self._content,
                runs=self._cache.runs(self._key),
                objects={kind: self._cache.of(kind, self._key) for kind in KINDS},
            )
        return self._facts

    def go_on_with(self, webjob: WebJob) -> None:
        """Take the WebJob as this pass has just written it."""
        self._webjob, self._facts = under(webjob, self._site), None
