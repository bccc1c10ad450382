# make demo   the main job on a real cluster, from nothing
# make test   all tests
# Everything else that is needed is installed into .venv and a cache outside the repository, or named.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
RUN := $(VENV)/bin/python
NAME ?= dev
CORES ?= auto
IMAGE ?=
PLATFORMS ?= linux/amd64,linux/arm64
BASE := docker.io/library/python:3.12-slim
DEBIAN := docker.io/library/debian:trixie-slim
DEBIAN_DOCKERFILES := image/mono/Dockerfile image/wine/Dockerfile tests/cluster/images/dotnet/Dockerfile
REGISTRY ?=
TAG ?= 0.1.0
CHART ?=
CHART_VERSION := $(shell sed -n 's/^version: *//p' charts/webjobs/Chart.yaml)
# Where it is set, each of the many processes that tests start would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
CLUSTERS ?= $(if $(filter existing,$(WEBJOBS_CLUSTER)),1,2)

.PHONY: help demo up down test test-full unit lint format generate verify bench soak screenshots image images image-base chart clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*##/\1\t/' | expand -t 12

$(VENV)/.synced: uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m venv .local/uv || { echo "The venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	.local/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	.local/uv/bin/uv sync --quiet --locked --python $(PYTHON)
	@touch $@

demo: up  ## the main job: cluster, chart, an uploaded zip that runs, its log
	@examples/demo.sh

up: $(VENV)/.synced  ## a cluster (NAME=dev) with the chart installed; writes .local/env
	@$(RUN) -m tests.stack up --name $(NAME)

down: $(VENV)/.synced  ## stops the cluster and removes its state
	@$(RUN) -m tests.stack down --name $(NAME)

test: lint  ## everything: lint, unit, integration, e2e, conformance, security
	@$(RUN) -m tests.cluster build --name test  # here, because pytest would hide the progress of ten minutes
	@$(RUN) -m tests.s3
	$(RUN) -m pytest -x -n $(CORES) tests/unit
	$(RUN) -m pytest -x -n $(CLUSTERS) --dist loadfile --durations=30 tests/integration tests/e2e tests/conformance tests/security tests/browser

test-full: $(VENV)/.synced  ## what takes about an hour more: control plane killed, deaths after every write, a short soak, thousands of orders
	WEBJOBS_EXAMPLES=300 $(RUN) -m pytest -x tests/unit/crashes/test_any_order.py tests/full

unit: $(VENV)/.synced  ## unit tests only
	$(RUN) -m pytest -x -n $(CORES) tests/unit

lint: $(VENV)/.synced verify  ## ruff, mypy, import rules, chart
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/helm lint --quiet --strict charts/webjobs

format: $(VENV)/.synced  ## formats the code
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

generate: $(VENV)/.synced  ## CRDs from the models, the chart's copies and its README
	$(RUN) -m tests.generate

verify: $(VENV)/.synced  ## fails when a generated file is stale
	$(RUN) -m tests.generate --check

soak: $(VENV)/.synced  ## 200 jobs, 15 minutes of everything at once: 10 while operator and shim are killed, 5 for their memory
	$(RUN) -m tests.soak --name $(NAME)

bench: $(VENV)/.synced  ## ratios against other cron libraries, and against native objects on the built cluster
	$(RUN) -m tests.bench.schedules
	$(RUN) -m tests.bench
	$(RUN) -m tests.bench.warm
	$(RUN) -m tests.bench.runtimes
	$(RUN) -m tests.bench.dashboard

screenshots: $(VENV)/.synced  ## the pictures of docs/dashboard.md, from the dashboard on a real cluster
	@mkdir -p .local/screenshots
	WEBJOBS_SCREENSHOTS=.local/screenshots $(RUN) -m pytest -x tests/browser/test_look.py -k 'light and 1440'
	for name in overview jobs job run edit calendar; do \
	  cp .local/screenshots/$$name-1440-light.png docs/images/$$name.png; \
	done

image:  ## builds the image for PLATFORMS and pushes it as IMAGE=registry/name:tag; needs Docker with buildx
	@test -n "$(IMAGE)" || { echo "Say where to: make image IMAGE=REGISTRY/webjobs:0.1.0" >&2; exit 1; }
	@docker buildx inspect webjobs >/dev/null 2>&1 || docker buildx create --name webjobs --driver docker-container
	docker buildx build --builder webjobs --platform $(PLATFORMS) --build-arg REVISION=$$(git rev-parse HEAD) \
	  --tag $(IMAGE) --push .

images:  ## builds the images of Mono and Wine, for Windows programs, and pushes them as REGISTRY/webjobs-mono:TAG and -wine
	@test -n "$(REGISTRY)" || { echo "Say where to: make images REGISTRY=registry.example.com TAG=0.1.0" >&2; exit 1; }
	for name in mono wine; do \
	  docker build --pull --build-arg REVISION=$$(git rev-parse HEAD) --file image/$$name/Dockerfile \
	    --tag $(REGISTRY)/webjobs-$$name:$(TAG) .; \
	  docker push $(REGISTRY)/webjobs-$$name:$(TAG); \
	done

image-base:  ## writes the newest digests of the images' bases into the Dockerfiles; needs Docker with buildx
	@newest() { docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$$1"; }; \
	python=$$(newest $(BASE)); debian=$$(newest $(DEBIAN)); \
	sed -i -E "s|^ARG PYTHON_IMAGE=.*|ARG PYTHON_IMAGE=$(BASE)@$$python|" Dockerfile; \
	sed -i -E "s|^ARG DEBIAN_IMAGE=.*|ARG DEBIAN_IMAGE=$(DEBIAN)@$$debian|" $(DEBIAN_DOCKERFILES); \
	grep -E '^ARG (PYTHON|DEBIAN)_IMAGE' Dockerfile $(DEBIAN_DOCKERFILES)

chart: $(VENV)/.synced verify  ## packs the chart and pushes it to CHART=oci://registry.example.com/charts
	@[[ "$(CHART)" == oci://?* ]] || { echo "Say where to: make chart CHART=oci://registry.example.com/charts" >&2; exit 1; }
	rm -rf .local/chart
	$(VENV)/bin/helm package charts/webjobs --destination .local/chart
	$(VENV)/bin/helm push .local/chart/webjobs-$(CHART_VERSION).tgz $(CHART)

clean: down  ## removes the virtual environment too
	rm -rf $(VENV) .local
