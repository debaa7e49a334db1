# Self-documenting verbs; `make` alone lists them. Everything needed is fetched into .uv/ and .venv/.
# ARGS are passed on: make demo ARGS="--once --json", make test ARGS="-k parking -x", make bench ROWS=S1,I1
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.9
# Whatever the machine has from 3.11 on; PYTHON=python3.13 chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)

# Certificates of the machine, its own Python, one environment: relative paths, so that spaces above do no harm.
export UV_SYSTEM_CERTS := 1
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv

RUN := .venv/bin/python
SOURCES := shared services tests
QUICK := $(wildcard tests/unit tests/properties tests/contract tests/architecture)
SLOW := $(wildcard tests/fuzz tests/simulator tests/integration tests/system tests/browser)

##@ Run it
.PHONY: demo up down status doctor
demo: .venv/.synced ## Everything with a generated district in it; Ctrl-C stops it
	@$(RUN) -m shared.embedded demo $(ARGS)
up: .venv/.synced ## Kafka, PostgreSQL and the three services, empty
	@$(RUN) -m shared.embedded up $(ARGS)
down: .venv/.synced ## End what runs on the data directory
	@$(RUN) -m shared.embedded down $(ARGS)
status: .venv/.synced ## What runs, how far behind it is, what waits
	@$(RUN) -m shared.embedded status $(ARGS) || test $$? = 3
doctor: .venv/.synced ## What this machine lacks, and how to get it
	@$(RUN) -m shared.embedded doctor $(ARGS)

##@ Check it
.PHONY: check test test-integration test-system test-simulator test-faults fuzz test-openapi test-mutations test-browser format .static .quick
check: .venv/.synced ## Format, lint, types, imports and the quick tests, in under a minute
	@$(MAKE) --jobs=2 --output-sync=target .static .quick
test: .venv/.synced ## All tests but benchmarks, mutations and the long fault loops, on real servers
	@$(RUN) -m pytest $(QUICK) $(SLOW) $(wildcard tests/faults) $(ARGS)
test-integration: .venv/.synced ## Each service and the plumbing against a real Kafka and a real PostgreSQL
	@$(RUN) -m pytest tests/integration $(ARGS)
test-system: .venv/.synced ## All services as processes, from the door to the last notice
	@$(RUN) -m pytest tests/system $(ARGS)
test-simulator: .venv/.synced ## Crashes at any await and lost answers by seeds: ARGS="--seeds 20000 --processes 2"
	@$(RUN) -m tests.simulator $(ARGS)
test-faults: .venv/.synced ## Kill, freeze and cut off at random, then audit: ARGS="--minutes 5 --seed 7"
	@$(RUN) -m tests.faults $(ARGS)
fuzz: .venv/.synced ## Spoiled events against the door, by seed: ARGS="--bodies 200000 --seed 1"
	@$(RUN) -m tests.fuzz $(ARGS)
test-openapi: .venv/.synced ## The HTTP contract of intake, tried at length: ARGS="--max-examples 500"
	@$(RUN) -m tests.contract.trying $(ARGS)
test-mutations: .venv/.synced ## Change rules and remove protections one by one: some test must fail each time
	@$(RUN) -m pytest tests/mutations $(ARGS)
test-browser: .venv/.synced ## The pages in a real browser
	@$(RUN) -m pytest tests/browser $(ARGS)
.static:
	@$(RUN) -m ruff format --check --quiet --output-format concise $(SOURCES) || { echo "Run: make format"; exit 1; }
	@$(RUN) -m ruff check --quiet --output-format concise $(SOURCES)
	@$(RUN) -m mypy
	@.venv/bin/lint-imports --no-logo
.quick:
	@$(RUN) -m pytest -q $(QUICK) $(ARGS)
format: .venv/.synced ## Format and mend what can be mended
	@$(RUN) -m ruff check --quiet --fix-only $(SOURCES)
	@$(RUN) -m ruff format $(SOURCES)

##@ Measure and publish it
.PHONY: bench bench-memory schemas images
bench: .venv/.synced ## Benchmarks beside their floors: ROWS=S1,I1 for some
	@$(RUN) -m tests.bench $(ROWS) $(ARGS)
bench-memory: .venv/.synced ## Memory at full speed over 500,000 compounds: ARGS="--minutes 10 --cached 20000"
	@$(RUN) -m tests.bench.soaking $(ARGS)
schemas: .venv/.synced ## Write the JSON Schemas and samples of all events, AsyncAPI and .env.example anew
	@$(RUN) -m shared.events.schemas --write shared/schemas $(ARGS)
	@$(RUN) -m shared.events.asyncapi --write shared/docs/asyncapi.json
	@$(RUN) -m tests.contract.env_example
images: ## The container images of the three services (needs docker)
	@for service in intake scoring notify; do \
		docker build --build-arg "SERVICE=$$service" --tag "anxing-$$service" . || exit 1; done

##@ Tidy up
.PHONY: help clean
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile
clean: ## Remove environments and caches; data in .anxing/ stays (make up ARGS=--fresh empties it)
	@rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	@find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: made anew only when what it is made from has changed.
.venv/.synced: .uv/$(UV_VERSION) pyproject.toml uv.lock $(wildcard */pyproject.toml services/*/pyproject.toml)
	@.uv/bin/python -m uv sync --frozen --quiet --python .uv/bin/python
	@touch $@

# venv without pip where Debian's python3-venv is missing: any pip can fill it.
.uv/$(UV_VERSION):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with make PYTHON=..." >&2; exit 1; }
	@rm -rf .uv
	@"$(PYTHON)" -m venv .uv >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear --without-pip .uv
	@if .uv/bin/python -m pip --version >/dev/null 2>&1; then pip=".uv/bin/python -m pip"; \
		else pip="$(PYTHON) -m pip --python .uv/bin/python"; fi; \
		$$pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)" || \
		{ echo "uv could not be installed: pip and access to the package index are needed" >&2; exit 1; }
	@touch $@
