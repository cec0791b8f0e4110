# Every target works from a fresh clone; `make help` lists them.

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
READY := .venv/.ready
MINUTES ?= 20
ROOMS := core identity codegen ledger members traceability antifraud rewards scanapp

.DEFAULT_GOAL := help
.PHONY: help setup demo test faults soak check lint types bench bench-report messages clean

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## Install everything into .venv from the lock file

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Yima needs Python 3.11 or newer; name one with: make PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip' || { echo 'This Python has no venv module. Install it (Debian: python3-venv) or name another Python with: make PYTHON=…' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/python -m uv sync --quiet --frozen --inexact --all-extras
	@touch $(READY)

demo: $(READY) ## Play a market day on servers of its own; stays up until Ctrl-C
	$(BIN)/python -m cli demo

test: $(READY) ## Run the whole suite on throw-away servers
	$(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

faults: $(READY) ## Kill, cut off and flood everything for a minute each
	YIMA_FAULT_SECONDS=60 $(BIN)/python -m pytest -m fault $(TESTS)

soak: $(READY) ## Run a steady day for MINUTES=20, and look whether anything grows
	$(BIN)/python -m cli soak --minutes $(MINUTES)

check: lint types test ## Lint, check types and run the suite

lint: $(READY) ## Check style and formatting
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: $(READY) ## Check types
	$(BIN)/python -m mypy

bench: $(READY) ## Measure on servers of its own, beside references; BENCH='scan page' for some
	$(BIN)/python -m cli bench $(BENCH)

bench-report: $(READY) ## Write tables and plots of what was measured last into docs/
	$(BIN)/python -m lab.bench.report

messages: $(READY) ## Collect texts for translation and compile the catalogue
	$(BIN)/pybabel -q extract -F babel.cfg -k N_ -k pgettext:1c,2 --no-location --omit-header --sort-output -o messages.pot $(ROOMS)
	$(BIN)/pybabel -q update -i messages.pot -d scanapp/translations -l zh --no-fuzzy-matching --ignore-obsolete --width 100
	$(BIN)/pybabel -q compile -d scanapp/translations
	@rm messages.pot

clean: ## Remove .venv and caches; data in ./var stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
