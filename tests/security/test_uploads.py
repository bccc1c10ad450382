"""Archives that are made to hurt: refused with a sentence, in bounded memory, and what was there still runs."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.security.attacker import restarts, stored
from tests.site import Site, eventually, zip_of

GOOD = zip_of({"run.sh": "echo still here\n"})


def links(*pairs: tuple[str, str], **files: str | bytes) -> bytes:
    """A zip with links, from name to target, and files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run.sh", "true\n")
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in pairs:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o120777 << 16
            archive.writestr(info, target)
    return out.getvalue()


def understated() -> bytes:
    """A bomb whose headers say that it is small."""
    content = bytearray(zip_of({"run.sh": "true", "zeros": bytes(64 * 2**20)}))
    at = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)
    content[at + 24 : at + 28] = struct.pack("<L", 10)
    return bytes(content)


def overlapping() -> bytes:
    """A bomb of many entries with one content, as the one of Fifield."""
    content = zip_of({"run.sh": "true", "kernel": bytes(8 * 2**20)})
    begin = content.index(b"PK\x01\x02")
    entry = content[content.index(b"PK\x01\x02", begin + 1) : content.index(b"PK\x05\x06")]
    more = b"".join(entry.replace(b"kernel", f"k{number:05d}".encode()) for number in range(900))
    directory = content[begin : content.index(b"PK\x05\x06")] + more
    end = struct.pack("<LHHHHLLH", 0x06054B50, 0, 0, 902, 902, len(directory), begin, 0)
    return content[:begin] + directory + end


def nested() -> bytes:
    """A zip of zips of zeros: only the outer one is opened."""
    inner = zip_of({"zeros": bytes(8 * 2**20)})
    for _ in range(4):
        inner = zip_of({"a.zip": inner, "b.zip": inner})
    return zip_of({"nested.zip": inner})


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "understated": (understated, ""),
    "overlapping": (overlapping, ""),
    "up": (lambda: zip_of({"run.sh": "", "a/../../x": ""}), "outside of its folder"),
    "up with backslashes": (lambda: zip_of({"run.sh": "", "a\\..\\..\\x": ""}), "outside of its folder"),
    "absolute": (lambda: zip_of({"run.sh": "", "/etc/x": ""}), "absolute path"),
    "a share": (lambda: zip_of({"run.sh": "", "\\\\host\\share\\x": ""}), "absolute path"),
    "a drive": (lambda: zip_of({"run.sh": "", "C:x": ""}), ""),
    "10,001 entries": (lambda: zip_of({f"f{number}": "" for number in range(10_001)}), "at most 10000"),
    "a link up": (lambda: links(("out", "../../../etc/passwd")), "symbolic link"),
    "an absolute link": (lambda: links(("out", "/etc/passwd")), "symbolic link"),
    "a link to itself": (lambda: links(("loop", "loop")), "symbolic link"),
    "links in a ring": (lambda: links(("a", "b"), ("b", "a")), "symbolic link"),
    "a link by a link": (lambda: links(("dir", ".."), ("file", "dir/../x")), "symbolic link"),
    "a bomb by links": (
        lambda: links(*((f"l{number}", "zeros") for number in range(2000)), zeros=bytes(2**20) + b"\1" * 40_000),
        "",
    ),
    "folders by links": (
        lambda: links(*((f"d{n}", f"d{n - 1}") for n in range(1, 40)), **{f"d0/{n}": "x" for n in range(300)}),
        "",
    ),
    "only a zip": (nested, "No runnable script"),
    "settings of a megabyte": (lambda: zip_of({"run.sh": "", "settings.job": '{"a": "' + "x" * 2**20 + '"}'}), "bytes"),
    "a name of a kilobyte": (lambda: zip_of({"run.sh": "", "x" * 1000: ""}), ""),
    "a control character": (lambda: zip_of({"run.sh": "", "a\x01b": ""}), ""),
}


@pytest.fixture(scope="module")
def job(site: Site) -> Iterator[str]:
    assert site.upload("sturdy", GOOD).status_code == 200
    yield "sturdy"
    site.http.delete("/api/triggeredwebjobs/sturdy")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_archive(site: Site, job: str, name: str) -> None:
    made, message = BAD[name]
    content = made()
    before = site.object("wj", job)["spec"]
    answers = [
        site.upload(job, content),
        site.http.put(f"/api/zip/site/wwwroot/App_Data/jobs/triggered/{job}/", content=content),
    ]
    for answer in answers[: 1 if name == "only a zip" else 2]:
        assert answer.status_code in (400, 413), f"{answer.status_code} {answer.text[:300]}"
        assert message in answer.text
        assert "Traceback" not in answer.text
    if name != "only a zip":
        assert site.object("wj", job)["spec"] == before


def test_names_that_fold_alike(site: Site, job: str) -> None:
    """Each is kept, or refused: one never takes the place of the other unseen."""
    answer = site.upload(job, zip_of({"run.sh": "cat a A\n", "a": "one", "A": "two"}))
    if answer.status_code == 200:
        run = site.ended(site.run(job).headers["Location"])
        assert "onetwo" in site.log(run)
    assert site.upload(job, GOOD).status_code == 200


def test_many_at_once_in_bounded_memory(site: Site, job: str) -> None:
    content = zip_of({"run.sh": "true", "zeros": bytes(64 * 2**20)})
    big = zip_of({"notes.txt": b"".join(number.to_bytes(4, "big") for number in range(2**21))})
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda number: site.upload(job, content if number % 2 else big), range(16)))
    assert {answer.status_code for answer in answers} <= {400, 413, 429, 503}
    assert set(restarts(site)) == {0}


def test_what_was_there_still_runs(site: Site, job: str) -> None:
    run = site.ended(site.run(job).headers["Location"])
    assert run["status"] == "Success"
    assert "still here" in site.log(run)


def test_nothing_of_them_is_kept(site: Site, job: str) -> None:
    """An upload that is refused leaves no bytes in the store."""
    before = {key for key in stored(site) if "/blobs/" in key}
    for number in range(3):
        unique = f"refused {number}".encode() * 10_000
        assert site.upload(job, zip_of({"notes.txt": unique, "more.txt": unique + b"x"})).status_code == 400
        broken = zip_of({"run.sh": "true", "a.txt": unique + b"y", "../x": "z"})
        assert site.upload(job, broken).status_code == 400
    eventually(lambda: {key for key in stored(site) if "/blobs/" in key} <= before, seconds=60, what="the clean-up")
