"""Names of jobs, and the names of the Kubernetes objects that stand for them.

Clients of the REST API see the name that they used; Kubernetes gets a legal one. A triggered and a continuous job may
share a name, so every job has two candidate object names: the plain one, and one that is qualified by its type. The
first candidate that is free, or is the job's own already, is taken. Which job an object is for is read from the object.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

from webjobs.model import MAX_NAME_LENGTH, JobType

_LEGAL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_HASH_LENGTH = 6
MAX_JOB_NAME_LENGTH = 128
"""Most characters of a job's name, as REST clients give it."""


class JobNameError(ValueError):
    """A job name that can't be used; the message says why."""


def check(job_name: str) -> str:
    """Return a job name unchanged; raise JobNameError when it can't be a file name on every system."""
    if not job_name or len(job_name) > MAX_JOB_NAME_LENGTH:
        raise JobNameError(f"The WebJob name must have 1 to {MAX_JOB_NAME_LENGTH} characters.")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs") or char in '\\/:*?"<>|' for char in job_name):
        raise JobNameError('The WebJob name must not contain control characters or any of \\ / : * ? " < > |.')
    if job_name != job_name.strip() or job_name.strip(".") != job_name:
        raise JobNameError("The WebJob name must not begin or end with a blank or a dot.")
    return job_name


def same(one: str, other: str) -> bool:
    """Return whether two job names mean one job: neither case counts nor how an accent is composed."""
    return fold(one) == fold(other)


def listing_key(job_type: JobType, job_name: str) -> tuple[bool, str]:
    """Return the key by which jobs are sorted in lists: triggered ones first, each type by name."""
    return job_type != "triggered", fold(job_name)


def fold(job_name: str) -> str:
    """Return the form of a job name in which names are compared.

    As NTFS, one character at a time: ``Maße`` and ``Masse`` are two jobs. Where a character is not certainly the
    capital of another one, they are two: a job too many is better than files that another job's upload replaced.
    """
    # Decomposed first: folding a composed letter and folding its parts can differ in the order of the marks.
    return unicodedata.normalize("NFC", "".join(map(_small, unicodedata.normalize("NFD", job_name))))


def _small(char: str) -> str:
    small = char.lower()
    return small if len(small) == 1 and small.upper() == char else char


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]


def _slug(folded: str, *, suffix: str) -> str:
    plain = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if not words[:1].isalpha():
        words = f"job-{words}".strip("-")
    return f"{words[: MAX_NAME_LENGTH - len(suffix) - 1].rstrip('-')}-{suffix}"


def candidates(job_name: str, job_type: JobType) -> tuple[str, str]:
    """Return the two object names that a job may have, in the order in which they are tried."""
    folded = fold(job_name)
    # The folded name counts: every spelling of a job must lead to the same objects.
    legal = len(folded) <= MAX_NAME_LENGTH and _LEGAL.fullmatch(folded)
    plain = folded if legal else _slug(folded, suffix=_digest(folded))
    return plain, _slug(folded, suffix=_digest(f"{job_type}/{folded}"))
