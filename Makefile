# People and continuous integration use the same targets; `make help` lists them.
# Needed: Python 3.11 or newer and make; for the tests with HAPI's validator Maven and a JDK. Everything else is installed from hash-locked files into .venv*.

AS_OF   ?= 2026-11-22
COHORT  ?= examples/cohort
PATIENT ?= Patient/eligible
BENCH   ?=

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV     ?= uv
UV_LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --no-annotate
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
PIP_PROJECT = -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
export PIP_CACHE_DIR ?= $(CURDIR)/.cache/pip
# What pip would read from a home folder must not change what is installed.
export PYTHONNOUSERSITE = 1

DEV = .venv-dev/bin
# Continuous integration must run everything, so there a missing Maven, PostgreSQL or Node.js fails.
HAPI_TOO = test "$$CI" = true || { command -v mvn && command -v javac; } >/dev/null 2>&1
PG_TOO = test "$$CI" = true || command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
NODE_TOO = test "$$CI" = true || { command -v node && command -v npm; } >/dev/null 2>&1
.DEFAULT_GOAL := help
.PHONY: help demo test check hapi bench docs lock clean python

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

demo: .venv/ready .venv-dev/ready ## screen the example cohort, show a dossier, assign two patients, sync a small server, show cards
	@.venv/bin/trial-adapter screen $(COHORT) --as-of $(AS_OF) --complete all || test $$? -eq 1
	@.venv/bin/trial-adapter explain $(COHORT) --patient $(PATIENT) --as-of $(AS_OF) --complete all || test $$? -eq 1
	@.venv/bin/trial-adapter assign $(COHORT) --assignments examples/assignment/assignments.csv --as-of $(AS_OF) \
	  --complete all --readings examples/assignment/readings.yaml --out build/demo || test $$? -eq 1
	@$(DEV)/python -m tests.sync.demo
	@$(DEV)/python -m tests.alerts.demo

test: check ## check, then every test, with coverage
	@out=""; $(HAPI_TOO) || { out="hapi"; \
	  echo "Not run on this machine: tests/hapi and whatever else asks HAPI, which needs Maven and a JDK, 17 or newer."; }; \
	$(PG_TOO) || { out="$${out:+$$out or }postgresql"; \
	  echo "Not run on this machine: the store on PostgreSQL, whose server is not installed."; }; \
	$(NODE_TOO) || { out="$${out:+$$out or }node"; \
	  echo "Not run on this machine: what asks programs of Node.js, 20 or newer, which is not installed with npm."; }; \
	test -n "$$out" || echo "Not run on this machine: nothing."; \
	$(DEV)/python -m pytest --cov --cov-report=term $${out:+-m "not ($$out)"}

check: .venv-dev/ready ## format, lint, types, import order
	$(DEV)/ruff format --check .
	$(DEV)/ruff check .
	$(DEV)/mypy
	$(DEV)/lint-imports

hapi: .venv-dev/ready ## start HAPI FHIR JPA R4 on loopback, port 8080 (needs Maven and a JDK)
	@$(DEV)/python -m tests.hapi.server

bench: .venv-bench/ready ## ratios against other readers, about ten minutes (BENCH="--size 30" for a quick look)
	.venv-bench/bin/python -m bench.run $(BENCH)

docs: .venv-dev/ready ## write docs/reference anew from tests/spec
	$(DEV)/python -m tests.reference

lock: ## resolve the requirements files anew (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: install it, or say make lock UV=/path/to/uv"; exit 1; }
	$(UV_LOCK) pyproject.toml -o requirements.txt
	$(UV_LOCK) --group build -o requirements-build.txt
	$(UV_LOCK) pyproject.toml --group build --group dev -c requirements.txt -c requirements-build.txt -o requirements-dev.txt
	$(UV_LOCK) pyproject.toml --group build --group bench -c requirements.txt -c requirements-build.txt -o requirements-bench.txt

clean: ## remove environments, caches and generated data
	rm -rf .venv .venv-dev .venv-bench .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -rf .coverage build dist bench/data
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments: made once, again when a lock file changes ---

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not. Say make PYTHON=/path/to/python3.11"; exit 1; }

.venv/ready: requirements.txt requirements-build.txt pyproject.toml | python
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python $(PIP_INSTALL) -r requirements.txt
	.venv/bin/python $(PIP_INSTALL) -r requirements-build.txt
	.venv/bin/python $(PIP_PROJECT)
	@touch $@

# The wheels are kept beside it, so that the test of the wheel installs into an empty environment without a network.
.venv-dev/ready: requirements.txt requirements-dev.txt pyproject.toml | python
	$(PYTHON) -m venv --clear .venv-dev
	$(DEV)/python $(PIP_INSTALL) -r requirements-dev.txt
	$(DEV)/python -m pip download --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  -r requirements.txt -d .venv-dev/wheels
	$(DEV)/python $(PIP_PROJECT)
	@touch $@

.venv-bench/ready: requirements-bench.txt pyproject.toml | python
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python $(PIP_INSTALL) -r requirements-bench.txt
	.venv-bench/bin/python $(PIP_PROJECT)
	@touch $@
