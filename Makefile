# Everything a fresh clone needs: a virtual environment of its own, pinned by constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test nightly lint bench kernels sample clean

help:  ## list what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[report]'
	@touch $@

$(VENV)/tested: $(VENV)/installed
	$(PIP) --editable '.[test,lint]'
	@touch $@

$(VENV)/benched: $(VENV)/installed
	$(PIP) --editable '.[bench]'
	@touch $@

demo: $(VENV)/installed  ## run the river on the embedded sample, tables and a page into demo/
	$(BIN)/attribution demo --out demo --force

test: $(VENV)/tested  ## run all tests
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v $$name > /dev/null && exit; done; \
		echo 'no Chromium: the tests that open the page are skipped; get it with: apt-get install chromium'
	$(BIN)/python -m pytest --numprocesses auto

nightly: $(VENV)/tested  ## run all tests with 10,000 random examples each
	ATTRIBUTION_PROFILE=nightly $(BIN)/python -m pytest --numprocesses auto

lint: $(VENV)/tested  ## check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/benched  ## run us against others, an hour; results into benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

kernels: $(VENV)/tested  ## time the kernels
	$(BIN)/python -m pytest benchmarks --benchmark-only --numprocesses 0

sample: $(VENV)/installed  ## make the embedded sample anew
	$(BIN)/python -m attribution.simulation

clean:  ## remove the environment and everything made
	rm -rf $(VENV) demo .demo.* .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
