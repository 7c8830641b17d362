.PHONY: help demo run check test lint house lock audit clean
.DEFAULT_GOAL := help
PYTHON ?= python3
# With --no-deps: the files pin all there is, and older pips, resolving again, stumble over newer releases.
PIP = .venv/bin/python -m pip --disable-pip-version-check install --quiet
# A process for each core and one more; each takes a file at a time, slow ones first (tests/conftest.py).
PYTEST = .venv/bin/python -m pytest -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

help:  ## What can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 8

demo: .venv/run.stamp  ## Install into .venv, then do the whole job once, offline
	@.venv/bin/c5watch demo

run: .venv/run.stamp  ## Install into .venv, then one pass over the real catalogue of feeds
	.venv/bin/c5watch monitor

check: lint  ## Install into .venv, then check style and types, and pass all tests but the slow ones
	$(PYTEST) -m "not slow"

test: .venv/dev.stamp  ## Install into .venv, then pass all tests
	$(PYTEST)

lint: .venv/dev.stamp  ## Check style and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

house: .venv/dev.stamp  ## Print how the code is laid out; with REVISION=..., before and after
	.venv/bin/python -m tests.benchmarks.house $(addprefix --revision ,$(REVISION))

lock: .venv/dev.stamp  ## Pin all dependencies anew, with hashes
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" --upgrade --extra build pyproject.toml -o requirements.txt
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" --extra build --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

audit: .venv/dev.stamp  ## Look the pinned dependencies up among known vulnerabilities
	.venv/bin/uv tool run pip-audit --disable-pip --no-deps -r requirements.txt

clean:  ## Remove .venv and what tests and tools leave; never data/
	rm -rf .venv .tmp .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "c5watch needs Python 3.11 or later: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing c5watch and its libraries into .venv: once, for a minute or two ..."
	@$(PIP) --no-deps --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements-dev.txt pyproject.toml | .venv/bin/python
	$(PIP) --no-deps --require-hashes -r requirements-dev.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ .venv/run.stamp
