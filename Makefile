# The two commands are `make demo` and `make test`; `make help` lists the rest.
#
# One environment, .venv, serves all of them. It is made when there is none and brought up to date when pyproject.toml or
# constraints.txt changes.

PYTHON ?= python3
VENV ?= .venv
SPEC ?= specs/leaf_small.yaml
# Processes that run tests, and how tests are dealt out: a whole file to one process, so that its fixtures run once; those
# that took longest last time first (tests/conftest.py).
WORKERS ?= 2
DIST ?= loadfile
# More for pytest: make test PYTEST_ARGS='-k optimizer -x'
PYTEST_ARGS ?=

# Every process of the suite reads the same modules: where bytecode is not kept, each compiles all of them again, and pytest
# rewrites every test.
export PYTHONDONTWRITEBYTECODE :=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist $(DIST) --no-loadscope-reorder $(PYTEST_ARGS)
# Runs a command five times and prints the best wall time.
BEST_OF_5 := $(BIN)/python -m timeit -n 1 -r 5 -s 'import subprocess, sys'

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint types tests long docs gpu-test bench fix install constraints clean distclean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## The main job: run SPEC (specs/leaf_small.yaml) and explain what it finds
	$(BIN)/parity run $(SPEC)

test: lint types tests ## All checks and tests; stops at the first that fails

lint: $(READY) ## Style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY) ## Types
	$(BIN)/mypy

tests: $(READY) ## Tests only
	$(PYTEST)

long: $(READY) ## Tests with many more generated examples
	HYPOTHESIS_PROFILE=long $(PYTEST)

docs: $(READY) ## The documentation as a site, in build/site; warnings are errors. PARITY_REPORTS=FOLDER embeds the pages of runs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo 'build/site/index.html'

gpu-test: ## On a machine with an NVIDIA GPU: what only that can show, in environments of its own
	tests/gpu/run

bench: $(READY) ## Time the commands that must answer at once, and the tests that take longest
	@echo 'parity --help:'
	@$(BEST_OF_5) "subprocess.run(['$(BIN)/parity', '--help'], check=True, stdout=subprocess.DEVNULL)"
	@echo 'parity diff specs/leaf.yaml:'
	@$(BEST_OF_5) "subprocess.run(['$(BIN)/parity', 'diff', 'specs/leaf.yaml'], check=True, stdout=subprocess.DEVNULL)"
	$(PYTEST) -q --durations=20 --durations-min=1

fix: $(READY) ## Mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

install: $(READY) ## Make .venv, nothing else

constraints: $(READY) ## Write constraints.txt again from what is installed in .venv
	@{ sed '/^#/!d' constraints.txt; \
	   $(BIN)/python -m pip freeze --all --exclude pip --exclude parity-harness | sed 's/+cpu$$//'; } > $(VENV)/constraints.txt
	@mv $(VENV)/constraints.txt constraints.txt && touch $(READY)

clean: ## Remove caches, build outputs and generated reports
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .parity
	find reports -mindepth 1 -maxdepth 1 ! -name .gitkeep -exec rm -rf {} +
	find parity tests -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## The same, and .venv
	rm -rf $(VENV)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'parity needs Python 3.11 or later; name one: make PYTHON=python3.12 ...' >&2; exit 1; }
	@echo 'Installing Keras, TensorFlow, PyTorch and the tools into $(VENV): once, about two minutes ...'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[all,dev,docs]'
	@touch $(READY)
