"""Threads that do what clients do: runs, cancels, uploads, single files, stops and starts."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Callable

import httpx

from tests.site import Site, zip_of
from tests.soak.book import Book
from tests.soak.jobs import HOT, script

CLIENTS = 4
PAUSE = (1.0, 3.0)
"""Seconds between two actions of a client. Two cores start about three pods a second."""
_LARGE = 600_000
"""Bytes of a package that an init container fetches from the shim."""


class Clients:
    """At work from the beginning, until told to stop."""

    def __init__(self, site: Site, jobs: dict[str, str], book: Book, *, seed: int) -> None:
        self._site, self._jobs, self._book = site, jobs, book
        self._over = threading.Event()
        self.errors: list[BaseException] = []
        chances = [random.Random(seed + number) for number in range(CLIENTS)]  # noqa: S311  no secret
        self._threads = [threading.Thread(target=self._work, args=(chance,)) for chance in chances]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends them; raises what one of them could not do."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        for error in self.errors:
            raise error

    def _work(self, chance: random.Random) -> None:
        try:
            with Site(self._site.stack) as site:
                while not self._over.is_set():
                    hot = chance.random() < 0.3
                    name = chance.choice(list(self._jobs)[: HOT if hot else None])
                    self._act(site, name, self._jobs[name], chance)
                    self._over.wait(chance.uniform(*PAUSE))
        except BaseException as error:
            self.errors.append(error)
            raise

    def _act(self, site: Site, name: str, kind: str, chance: random.Random) -> None:
        if kind == "worker":
            self._switch(site, name, chance.choice(("start", "stop")))
        elif (action := chance.random()) < 0.06:
            self._upload(site, name, chance)
        elif action < 0.12:
            self._write_file(site, name, chance)
        elif action < 0.2:
            self._create(site, name)
        else:
            self._run(site, name, cancel=action > 0.93)

    def _run(self, site: Site, name: str, *, cancel: bool) -> None:
        answer = self._try("run", lambda: site.run(name))
        if answer is None or answer.status_code != 202:
            return
        run_id = answer.headers["Location"].rpartition("/")[2]
        with self._book.lock:
            self._book.accepted[name].add(run_id)
        # "Its Location is readable": unless the shim is killed just then.
        found = self._try("look", lambda: site.http.get(f"/api/triggeredwebjobs/{name}/history/{run_id}"))
        if found is not None and found.status_code == 404:
            raise AssertionError(f"run {run_id} of {name} was accepted, and can't be read")
        if cancel:
            ended = self._try("cancel", lambda: site.http.delete(f"/api/triggeredwebjobs/{name}/history/{run_id}"))
            if ended is not None and ended.status_code == 200:
                with self._book.lock:
                    self._book.cancelled.add((name, run_id))

    def _create(self, site: Site, name: str) -> None:
        try:
            run = site.create_run(name)
        except subprocess.CalledProcessError:
            self._book.note("create", None)
            return
        self._book.note("create", 201)
        with self._book.lock:
            self._book.created.add(run)

    def _upload(self, site: Site, name: str, chance: random.Random) -> None:
        version = f"{time.time_ns()}"
        files = {"run.sh": script(version).encode()}
        if chance.random() < 0.3:
            files["data"] = chance.randbytes(_LARGE)
        content = zip_of(files)
        self._write(name, "upload", version, lambda: site.upload(name, content))

    def _write_file(self, site: Site, name: str, chance: random.Random) -> None:
        version = f"{time.time_ns()}"
        path = f"/api/vfs/site/wwwroot/App_Data/jobs/triggered/{name}/run.sh"
        content = script(version).encode()
        self._write(name, "vfs", version, lambda: site.http.put(path, content=content, headers={"If-Match": "*"}))

    def _write(self, name: str, action: str, version: str, call: Callable[[], httpx.Response]) -> None:
        writes = self._book.files[name]
        write = self._book.begin(writes, version)
        answer = self._try(action, call)
        self._book.end(writes, write, answer.status_code if answer is not None else None)

    def _switch(self, site: Site, name: str, action: str) -> None:
        writes = self._book.switches[name]
        write = self._book.begin(writes, "stopped" if action == "stop" else "running")
        answer = self._try(action, lambda: site.http.post(f"/api/continuouswebjobs/{name}/{action}"))
        self._book.end(writes, write, answer.status_code if answer is not None else None)

    def _try(self, action: str, call: Callable[[], httpx.Response]) -> httpx.Response | None:
        try:
            answer = call()
        except httpx.TransportError:
            self._book.note(action, None)
            return None
        self._book.note(action, answer.status_code)
        return answer
