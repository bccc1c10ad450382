# One image: operator, REST shim, and the runtime of .sh and .py jobs in the demo cluster. docs/image.md tells of it.
# The base is pinned by the digest of its index, so that each architecture gets the same release. `make image-base`
# writes the newest digest here.
ARG PYTHON_IMAGE=docker.io/library/python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea

FROM ${PYTHON_IMAGE} AS base

# All work is done on the builder's own architecture: nothing of another one is ever run. Docker without buildx knows no
# BUILDPLATFORM.
FROM --platform=${BUILDPLATFORM:-linux/amd64} ${PYTHON_IMAGE} AS build
ARG UV_VERSION=0.13.9
ARG TARGETARCH
RUN python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore uv==${UV_VERSION}
WORKDIR /src
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv export --locked --no-dev --no-emit-project --quiet -o requirements.txt \
 && case "${TARGETARCH:-$(dpkg --print-architecture)}" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; esac \
 && uv pip install --quiet --target /opt/webjobs/lib --require-hashes --only-binary :all: \
      --python-platform "${machine}-unknown-linux-gnu" -r requirements.txt
COPY image image
RUN python3 image/prune.py /opt/webjobs/lib && python3 -m compileall -q -j 0 /opt/webjobs/lib
COPY core core
COPY operator operator
COPY apiserver apiserver
RUN mkdir -p /opt/webjobs/app \
 && cp -r core/webjobs core/webjobs_kube core/webjobs_pod operator/webjobs_operator apiserver/webjobs_apiserver /opt/webjobs/app/ \
 && python3 -m compileall -q /opt/webjobs/app
# The base without what only builds need or only people read. Copyright files stay.
COPY --from=base / /root-file-system
RUN cd /root-file-system \
 && rm -rf usr/local/lib/python3*/site-packages/* usr/local/lib/python3*/ensurepip usr/local/lib/python3*/idlelib \
      usr/local/lib/python3*/test usr/local/bin/pip* usr/local/bin/idle* usr/local/bin/pydoc* usr/local/include \
      usr/share/man usr/share/info usr/share/locale var/cache/* var/lib/apt/lists var/log/* \
 && find usr/share/doc -type f ! -name copyright -delete \
 && echo 'nonroot:x:65532:' >> etc/group \
 && echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin' >> etc/passwd \
 && echo 'nonroot:!::0:99999:7:::' >> etc/shadow \
 && install -d -m 0755 -o 65532 -g 65532 home/nonroot \
 && mkdir -p opt && cp -r /opt/webjobs opt/webjobs

FROM scratch
ARG PYTHON_IMAGE
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="WebJobs for Kubernetes" \
      org.opencontainers.image.description="Operator and REST shim: Azure App Service WebJobs on any Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
COPY --from=build /root-file-system /
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    PYTHONPATH=/opt/webjobs/app:/opt/webjobs/lib PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /tmp
CMD ["python3"]
