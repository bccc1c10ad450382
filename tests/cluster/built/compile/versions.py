"""The versions the built cluster is made of.

Kubernetes' and etcd's must agree with ``node/go.mod``, Traefik's (for tests alone) with ``proxy/go.mod``.
"""

from __future__ import annotations

KUBERNETES = "1.36.3"
CONTAINERD = "2.4.2"
RUNC = "1.5.2"
CNI_PLUGINS = "1.9.1"
COREDNS = "1.15.0"
KIND = "0.33.0"
# kind 0.33.0's own default is Kubernetes 1.37; of its images this is the one of our minor release (there is no 1.36.3).
KIND_NODE = "docker.io/kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed"
VERSITYGW = "1.8.0"
TRAEFIK = "3.6.12"
PROMETHEUS = "0.316.0"  # as a module: the release 3.16.0
MINIMUM_GO = (1, 26)
