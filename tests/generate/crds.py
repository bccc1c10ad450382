"""The CRDs as files: ``crds/``, and the chart's copies, which are templates."""

from __future__ import annotations

from pathlib import Path

from webjobs.crd import definition

_HEAD = "{{- if .Values.crds.enabled }}\n"
_TAIL = "{{- end }}\n"
_NAME = "  labels:\n    app.kubernetes.io/part-of: webjobs\n"
_LABELS = '  labels: {{- include "webjobs.labels" . | nindent 4 }}\n'
_KEEP = "  {{- if .Values.crds.keep }}\n  annotations:\n    helm.sh/resource-policy: keep\n  {{- end }}\n"


def files() -> dict[Path, str]:
    """Return the content of each file by its path in the repository."""
    found: dict[Path, str] = {}
    for name, content in definition.files().items():
        found[Path("crds") / name] = content
        if "{{" in content or content.count(_NAME) != 1:
            raise ValueError(f"{name} can't be made a template")
        template = _HEAD + content.replace(_NAME, _KEEP + _LABELS) + _TAIL
        found[Path("charts/webjobs/templates/crds") / name] = template
    return found
