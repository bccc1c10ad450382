"""What a deployment changes in the files of a job."""

from __future__ import annotations

import pytest

from webjobs.store.job_files import Change, Content, View
from webjobs.store.packages import FILE_MODE, File, Manifest
from webjobs_apiserver.errors import Exists
from webjobs_apiserver.service.deployments.job_files import change_of


def file(text: str, *, mtime: int = 1) -> File:
    return File(sha256=text, size=1, mode=FILE_MODE, mtime=mtime)


SETTINGS = "settings.job"
A, A_LATER, B = file("a"), file("a", mtime=2), file("b")


@pytest.mark.parametrize(
    ("view", "wanted", "earlier", "clean", "puts", "deletes"),
    [
        (None, {"run.sh": A}, set(), False, {"run.sh": A}, set()),
        (View(files={"run.sh": A}), {"run.sh": A_LATER}, set(), False, {}, set()),
        (View(files={"run.sh": A}), {"run.sh": B}, set(), False, {"run.sh": B}, set()),
        (View(files={"run.sh": A, "own": A}), {"run.sh": A}, {"run.sh"}, False, {}, set()),
        (View(files={"run.sh": A, "old": A}), {"run.sh": A}, {"run.sh", "old", "gone"}, False, {}, {"old"}),
        (View(files={"run.sh": A, "own": A}), {"run.sh": A}, set(), True, {}, {"own"}),
        # settings that were put otherwise are written over by the file, as on Kudu
        (
            View(files={"settings.job": Content(data=b"{}")}),
            {"settings.job": A},
            set(),
            False,
            {"settings.job": A},
            set(),
        ),
        # a file where a folder was, and the other way round
        (View(files={"lib/a": A}), {"lib": A}, {"lib/a"}, False, {"lib": A}, {"lib/a"}),
        (View(files={"lib": A}), {"lib/a": A}, {"lib"}, False, {"lib/a": A}, {"lib"}),
    ],
)
def test_change(
    view: View | None,
    wanted: dict[str, File],
    earlier: set[str],
    clean: bool,
    puts: dict[str, File],
    deletes: set[str],
) -> None:
    found = change_of(view, Manifest(files=wanted), earlier=earlier, clean=clean)
    assert found == Change(puts=puts, deletes=frozenset(deletes), lenient=True)


@pytest.mark.parametrize(("there", "wanted"), [("lib/a", "lib"), ("lib", "lib/a")])
def test_what_somebody_else_put_is_not_hidden(there: str, wanted: str) -> None:
    with pytest.raises(Exists, match=wanted):
        change_of(View(files={there: A}), Manifest(files={wanted: A}), earlier=set(), clean=False)
