# Everything a developer does here, by name. Needs make and Python 3.11 or newer, nothing else.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo dev test check bench prove browser lock image-steps clean

PYTHON ?=
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python)
WORKERS ?= 3
CRM = hubspot
ERP = netsuite
PAY = bank
EDI =
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--python-version 3.11 --custom-compile-command "make lock" --upgrade
SUITABLE := import sys; sys.exit(sys.version_info < (3, 11))
DEBIAN := apt-get install python3 python3-venv

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: .venv/stamp-package  ## create .venv with the o2c command, from hash-pinned requirements
	@:

.venv/stamp-python:
	@if $(BIN)/python -c '$(SUITABLE)' >/dev/null 2>&1 && $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  echo "[1/3] keeping .venv with $$($(BIN)/python --version)"; touch $@; exit 0; \
	fi; \
	for python in $(PYTHONS); do \
	  if "$$python" -c '$(SUITABLE)' >/dev/null 2>&1; then found="$$python"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "O2C Hub needs Python 3.11 or newer; none of these is one: $(PYTHONS)"; \
	  echo "Install it (on Debian or Ubuntu: $(DEBIAN)),"; \
	  echo "or name the one to use: make setup PYTHON=/path/to/python3.12"; exit 1; \
	fi; \
	echo "[1/3] creating .venv with $$("$$found" --version)"; \
	if ! "$$found" -m venv --clear .venv >/dev/null 2>&1 || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  rm -rf .venv; \
	  echo "$$found cannot create a virtual environment: its venv or ensurepip module is missing."; \
	  echo "Install it (on Debian or Ubuntu: $(DEBIAN)) and run make setup again."; exit 1; \
	fi; \
	touch $@

.venv/stamp-packages: .venv/stamp-python requirements-dev.txt requirements-build.txt
	@echo "[2/3] installing the packages pinned in requirements-dev.txt (a minute or two the first time)"
	@$(INSTALL) --require-hashes -r requirements-build.txt
	@docker/packages.sh .venv .venv requirements-dev.txt
	@touch $@

.venv/stamp-package: .venv/stamp-packages pyproject.toml
	@echo "[3/3] installing the o2c command"
	@$(INSTALL) --no-deps --no-build-isolation --no-index -e .
	@touch $@
	@echo "ready: $(BIN)/o2c"

demo: setup  ## hub, simulated systems and a day of orders on this machine, no account needed
	@$(BIN)/o2c demo --crm $(CRM) --erp $(ERP) --pay $(PAY) $(if $(EDI),--edi)

dev: setup  ## run the hub from this folder: one process, SQLite in var/
	@$(BIN)/o2c serve

test: setup browser  ## every test, on SQLite, PostgreSQL and Redis, against simulators on real ports
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not prove" -rfEs

check: setup  ## style, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/o2c mapping check

bench: setup  ## measure, and print ratios
	@$(BIN)/python -m bench

prove: setup  ## the long proofs: 100,000 hostile formulas; crashes and faults; CRMs and ERPs in foul weather
	@$(BIN)/python -m tests.hub.mapping.fuzz --count 100000
	@O2C_CRM_DEALS=350 $(BIN)/python -m pytest -q --timeout=900 tests/flows/test_crm_faults.py -k foul
	@O2C_ERP_ORDERS=2000 $(BIN)/python -m pytest -q --timeout=3600 tests/flows/test_erp_faults.py
	@$(BIN)/python -m pytest -q --timeout=3600 -m prove
	@$(BIN)/python -m tests.prove

browser:
	@if command -v chromium chromium-browser google-chrome >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	  echo "no Chromium here: the browser tests will be skipped (on Debian or Ubuntu: apt-get install chromium)"; \
	  exit 0; \
	fi; \
	echo "installing Chromium for the browser tests (apt-get, a minute or two)"; \
	if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } \
	  >/dev/null 2>&1 </dev/null; then \
	  echo "Chromium could not be installed: the browser tests will be skipped"; \
	fi

lock: setup  ## pin the newest versions that fit, with hashes
	$(COMPILE) --extra dev --group build pyproject.toml -o requirements-dev.txt >/dev/null
	$(COMPILE) -c requirements-dev.txt pyproject.toml -o requirements.txt >/dev/null
	$(COMPILE) -c requirements-dev.txt --group build -o requirements-build.txt >/dev/null

image-steps: setup  ## carry out the container image's build steps here, in var/image, without a container engine
	@rm -rf var/image && mkdir -p var
	@PYTHON=$(BIN)/python docker/build-steps.sh . var/image

clean:  ## remove .venv, caches and local databases
	rm -rf .venv var build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
