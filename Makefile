# Everything this repository can do, from a bare Debian machine. Every target may be repeated and asks nothing.
# The CLI gets its own environment in .venv (pinned by poetry.lock, checked by hash); the system's Python stays as it is.

PYTHON ?= python3
BIN := .venv/bin
PATHS := python tests templates

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint unit integration format bench clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1#/p' $(MAKEFILE_LIST) | column -t -s '#'

setup: .venv/.run  ## Nix (from apt, if missing) and the CLI in .venv
	@.ci/setup nix
	@echo "ready: $(BIN)/nivis --help"

demo: setup  ## a project from the pipeline template in ./demo, built on real data
	@.ci/demo

test: lint setup  ## everything
	$(BIN)/pytest -q -n auto --dist loadgroup tests

lint: .venv/.dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	shellcheck .ci/run .ci/setup .ci/demo
	shellcheck -s bash lib/step.sh

unit: .venv/.dev  ## tests without Nix and network
	$(BIN)/pytest -q -m "not nix and not network" tests/unit

integration: setup .venv/.dev  ## tests with real builds
	$(BIN)/pytest -q -n auto --dist loadgroup tests/integration

format: .venv/.dev  ## put code into its shape
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format .

bench: setup  ## measure: the environment beside uv, data beside cp, pipelines beside Make, DVC, Snakemake, redun and plain Nix
	$(BIN)/python benchmarks/environment.py
	$(BIN)/python benchmarks/data.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/pipelines.py

clean:  ## remove what make made (not Nix, not the store)
	rm -rf .venv demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/.run: poetry.lock pyproject.toml .ci/setup .ci/requirements.py
	@PYTHON="$(PYTHON)" .ci/setup run

.venv/.dev: .venv/.run
	@PYTHON="$(PYTHON)" .ci/setup dev
