"""The command line as a process of its own, as a person or a script calls it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from unittest import mock

from tests import stack as stacks
from webjobs_cli.__main__ import main


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a call said."""

    code: int
    out: str
    err: str

    @property
    def body(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)

    def well(self) -> Self:
        """Itself, when it went well."""
        assert self.code == 0, f"exit code {self.code}: {self.err}{self.out}"
        return self


@dataclass(frozen=True, kw_only=True)
class Cli:
    """``kubectl-webjob`` of this environment."""

    environment: Mapping[str, str] = field(default_factory=dict)
    program: str = "kubectl-webjob"

    @classmethod
    def of(cls, stack: stacks.Stack) -> Self:
        """With all that a client of the site is told."""
        return cls(environment=stack.environment())

    def but(self, **values: str | None) -> Self:
        """With other variables; None takes one away."""
        changed = {name: value for name, value in (dict(self.environment) | values).items() if value is not None}
        return replace(self, environment=changed)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A call that goes on."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("WEBJOBS_", "KUBE"))}
        command = [str(Path(sys.executable).parent / self.program), *arguments]
        environment = clean | {"PATH": path} | dict(self.environment)
        return subprocess.Popen(
            command,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )

    def inside(self, *arguments: str) -> Said:
        """The same in this process, which saves the second that the imports take. Without KUBECONFIG: no cluster."""
        out, err = io.StringIO(), io.StringIO()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("WEBJOBS_", "KUBE"))}
        # The client reads KUBECONFIG once a process.
        where = ["--kubeconfig", self.environment.get("KUBECONFIG", "/nowhere")]
        environment = mock.patch.dict(os.environ, clean | dict(self.environment), clear=True)
        with environment, redirect_stdout(out), redirect_stderr(err):
            code = main([*where, *arguments])
        return Said(code=code, out=out.getvalue(), err=err.getvalue())

    def __call__(self, *arguments: str, seconds: float = 60) -> Said:
        with self.start(*arguments) as process:
            try:
                out, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert "Traceback" not in err, err
        return Said(code=process.returncode, out=out, err=err)
