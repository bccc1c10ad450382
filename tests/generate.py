"""Writes the generated files (``crds/`` and the chart's copies), or says which are stale: ``--check``."""

from __future__ import annotations

import sys
from pathlib import Path

from webjobs.crd import definition

REPO = Path(__file__).resolve().parent.parent
_HEAD = "{{- if .Values.crds.enabled }}\n"
_TAIL = "{{- end }}\n"
_NAME = "  labels:\n    app.kubernetes.io/part-of: webjobs\n"
_LABELS = '  labels: {{- include "webjobs.labels" . | nindent 4 }}\n'
_KEEP = "  {{- if .Values.crds.keep }}\n  annotations:\n    helm.sh/resource-policy: keep\n  {{- end }}\n"


def wanted() -> dict[Path, str]:
    """Every generated file with its content."""
    files: dict[Path, str] = {}
    for name, content in definition.files().items():
        files[REPO / "crds" / name] = content
        if "{{" in content or content.count(_NAME) != 1:
            raise ValueError(f"{name} can't be made a template")
        files[REPO / "charts/webjobs/templates/crds" / name] = _HEAD + content.replace(_NAME, _KEEP + _LABELS) + _TAIL
    return files


def main() -> int:
    """Exit code 1 with ``--check`` when a file is stale."""
    stale = [path for path, content in wanted().items() if not path.exists() or path.read_text() != content]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(REPO)} is stale: run `make generate` and commit it", file=sys.stderr)
        return 1 if stale else 0
    for path, content in wanted().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
