"""Removes from a folder of installed packages what the operator and the REST shim never import.

``python3 image/prune.py FOLDER``. The official Kubernetes client ships a class for every object and every call, twice:
two thirds of all that is installed. Both programs build and read plain JSON, and kopf asks for three classes only.
The Dockerfile and the image that is made without a container engine use the same list.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

CLIENTS = ("kubernetes/client", "kubernetes/aio/client")
KEPT_MODELS = {"__init__.py", "v1_managed_fields_entry.py", "v1_object_meta.py", "v1_owner_reference.py"}
"""``kopf`` imports V1ObjectMeta and V1OwnerReference, to know them when somebody hands them over."""
NEVER_RUN = ("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h")
"""Sources of compiled modules, and types for checkers."""
TESTS = ("certifi/tests", "websocket/tests")


def prune(folder: Path) -> None:
    """Remove from ``folder`` what is never imported.

    Raises:
        FileNotFoundError: the Kubernetes client is laid out in another way than this list knows.
    """
    for client in CLIENTS:
        shutil.rmtree(folder / client / "api")
        models = folder / client / "models"
        for file in models.iterdir():
            if file.name not in KEPT_MODELS:
                shutil.rmtree(file) if file.is_dir() else file.unlink()
    for pattern in NEVER_RUN:
        for file in folder.rglob(pattern):
            file.unlink()
    for tests in TESTS:
        shutil.rmtree(folder / tests, ignore_errors=True)
    shutil.rmtree(folder / "bin", ignore_errors=True)  # scripts that name the Python of the build


if __name__ == "__main__":
    prune(Path(sys.argv[1]))
