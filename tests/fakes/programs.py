"""What the programs of ``fake_engine`` do: they answer as Docker 26, Podman and kind 0.33 do. Standard library only."""

import json
import os
import sys
from pathlib import Path
from typing import Any


def main(program: str, folder: str) -> int:
    """Run one call of a program; the state is a file, for each call is a process of its own."""
    words = sys.argv[1:]
    with (Path(folder) / "calls").open("a") as sink:
        sink.write(json.dumps([program, *words]) + "\n")
    path = Path(folder) / "state.json"
    state = json.loads(path.read_text())
    broken = state.get("broken", {}).get(f"{program} {words[0]}")
    if broken is not None and program != "kind":
        print(broken, file=sys.stderr)
        return 1
    code = {"kind": _kind, "go": _go}.get(program, _engine)(state, program, words)
    path.write_text(json.dumps(state))
    if broken is not None:  # kind with --retain leaves its node
        print(broken, file=sys.stderr)
        return 1
    return code


def _engine(state: dict[str, Any], program: str, words: list[str]) -> int:
    command, last = words[0], words[-1]
    containers, images = state["containers"], state["images"]
    if command == "--version":
        print(
            state.get("version", "Docker version 26.1.5, build a72d7cd" if program == "docker" else "podman version 5")
        )
    elif command == "info":
        print(json.dumps(state.get("security", ["name=seccomp,profile=builtin"])))
    elif command == "context":
        print(state.get("host", "unix:///var/run/docker.sock"))
    elif command == "ps":
        print("\n".join(one["Id"] for one in containers.values()))
    elif command == "inspect":
        found = containers.get(last) if "--type=container" in words else images.get(last)
        if found is None:
            print(f"Error: No such object: {last}", file=sys.stderr)
            return 1
        print(json.dumps([found]))
    elif command == "pull":
        images[last] = {}
    elif command in ("start", "unpause"):
        containers[last]["State"]["Status"] = state.get("after_start", "running")
    elif command == "rm":
        del containers[last]
        state["in_node"] = []
    elif command == "build":
        print("#5 [build 2/9] RUN uv pip install")
        label = words[words.index("--label") + 1]
        images[words[words.index("--tag") + 1]] = {"label": label}
    elif command == "save":
        Path(words[words.index("--output") + 1]).write_text(last)
    elif command == "image" and words[1] == "ls":
        wanted = [word.removeprefix("label=") for word in words if word.startswith("label=")]
        print("\n".join(ref for ref, image in images.items() if [image.get("label")] == wanted))
    elif command == "image" and words[1] == "rm":
        for ref in words[2:]:
            del images[ref]
    elif command == "run":
        (out,) = (word.removeprefix("--volume=").partition(":")[0] for word in words if word.startswith("--volume="))
        (Path(out) / "kind").write_text("#!/bin/sh\n")
    elif command == "exec":
        return _inside(state, words[2:])
    return 0


def _inside(state: dict[str, Any], words: list[str]) -> int:
    if words[0] == "kubectl":
        silent = state.get("api")
        if silent:
            print(silent, file=sys.stderr)
            return 1
        ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": state["heartbeat"]}
        node = {"spec": {}, "status": {"conditions": [ready]}}
        print("ok" if "--raw=/readyz" in words else json.dumps({"items": [node]}))
    elif words[0] == "ctr":
        print("\n".join(["registry.k8s.io/pause:3.10", *state["in_node"]]))
    elif words[0] == "getent":
        if "internal" not in state:
            return 2
        print(f"{state['internal']} STREAM host.docker.internal")
    elif words[0] == "timeout":
        os.execvp(words[0], words)  # noqa: S606 - the connection is a real one
    elif words[0] == "sh":
        print("\n".join(map(str, state.get("pids", []))))
    return 0


def _kind(state: dict[str, Any], program: str, words: list[str]) -> int:
    if words == ["version"]:
        print(f"kind v{state.get('kind', '0.33.0')} go1.26.1 linux/amd64")
    elif words[:2] == ["create", "cluster"]:
        print('Creating cluster "webjobs-dev" ...')
        config = json.loads(Path(words[words.index("--config") + 1]).read_text())
        (node,) = config["nodes"]
        ports = {f"{one['containerPort']}/tcp": one["listenAddress"] for one in node["extraPortMappings"]}
        state["containers"]["webjobs-dev-control-plane"] = {
            "Id": "ba9876543210",
            "State": {"Status": "running", "StartedAt": "2026-01-01T10:00:00Z"},
            "HostConfig": {"PortBindings": {k: [{"HostIp": v, "HostPort": "40003"}] for k, v in ports.items()}},
        }
        if not state.get("broken", {}).get("kind create"):
            _kubeconfig(words)
    elif words[:2] == ["export", "kubeconfig"]:
        _kubeconfig(words)
    elif words[:2] == ["export", "logs"]:
        Path(words[2]).mkdir(parents=True)
        (Path(words[2]) / "kubelet.log").write_text("what the kubelet said\n")
    elif words[:2] == ["load", "image-archive"]:
        state["in_node"].append(Path(words[2]).read_text())
    return 0


def _go(state: dict[str, Any], program: str, words: list[str]) -> int:
    (Path(os.environ["GOBIN"]) / "kind").write_text("#!/bin/sh\n")
    return 0


def _kubeconfig(words: list[str]) -> None:
    (path,) = (word.removeprefix("--kubeconfig=") for word in words if word.startswith("--kubeconfig="))
    Path(path).write_text("new")
