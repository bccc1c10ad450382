"""The versions the built cluster is made of. Kubernetes' and etcd's must agree with ``node/go.mod``."""

from __future__ import annotations

KUBERNETES = "1.36.3"
CONTAINERD = "2.4.2"
RUNC = "1.5.2"
CNI_PLUGINS = "1.9.1"
COREDNS = "1.15.0"
KIND = "0.33.0"
VERSITYGW = "1.8.0"
MINIMUM_GO = (1, 26)
