"""Translated batch files against Wine's cmd, on generated files of the part of cmd in which Wine is right."""

from __future__ import annotations

import json

from tests.cases.batch_cases import translated
from tests.cases.batch_files import generate
from tests.site import Site, zip_of

SEEDS = range(120)
COMPARE = r"""
mkdir /tmp/a /tmp/b
for file in *.cmd; do
  name=${file%.cmd}
  rm -rf /tmp/a/* /tmp/b/*
  cp "$file" /tmp/a/run.cmd
  cp "$file" /tmp/b/run.cmd
  theirs=$(cd /tmp/a && WEBJOBS_COMMAND_ARGUMENTS= wine cmd /c run.cmd one "two words" 2>/dev/null; echo "code $?")
  ours=$(cd /tmp/b && WEBJOBS_PATH=/tmp/b WEBJOBS_COMMAND_ARGUMENTS='one "two words"' \
    sh "$OLDPWD/$name.sh" 2>/dev/null; echo "code $?")
  theirs=$(printf %s "$theirs" | tr -d '\r')
  if [ "$theirs" = "$ours" ]; then same=$((same + 1)); else
    echo "DIFFERENT $name"
    printf '%s\n' "$theirs" | sed 's/^/  wine: /'
    printf '%s\n' "$ours" | sed 's/^/  ours: /'
  fi
done
echo "SAME $same"
"""


def test_what_wine_prints(prepared: Site, images: dict[str, str]) -> None:
    files: dict[str, str | bytes] = {"run.sh": COMPARE, "settings.job": json.dumps({"image": images["wine"]})}
    for seed in SEEDS:
        text = generate(seed).replace("\n", "\r\n").encode()
        files |= {f"f{seed:03d}.cmd": text, f"f{seed:03d}.sh": translated({"run.cmd": text}).content}
    assert prepared.upload("against-wine", zip_of(files)).status_code == 200
    run = prepared.ended(prepared.run("against-wine").headers["Location"], seconds=300)
    log = prepared.log(run)
    assert f"SAME {len(SEEDS)}" in log, log[-8000:]
    prepared.http.delete("/api/triggeredwebjobs/against-wine")
