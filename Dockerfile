# One image: operator, REST shim, and the runtime of .sh and .py jobs in the demo cluster.
FROM docker.io/library/python:3.12-slim AS build
COPY --from=ghcr.io/astral-sh/uv:0.13 /uv /usr/local/bin/uv
WORKDIR /src
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv export --locked --no-dev --no-emit-project --quiet -o requirements.txt \
 && uv pip install --target /opt/webjobs/lib --compile-bytecode --require-hashes -r requirements.txt
COPY core core
COPY operator operator
COPY apiserver apiserver
RUN mkdir -p /opt/webjobs/app \
 && cp -r core/webjobs core/webjobs_kube operator/webjobs_operator apiserver/webjobs_apiserver /opt/webjobs/app/ \
 && python3 -m compileall -q /opt/webjobs/app

FROM docker.io/library/python:3.12-slim
COPY --from=build /opt/webjobs /opt/webjobs
ENV PYTHONPATH=/opt/webjobs/app:/opt/webjobs/lib PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /tmp
