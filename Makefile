# make demo    a scene taken apart by words, a choir by pitch: makes both, separates them, scores the stems;
#              DEMO_OPTIONS="--fit-steps 300" also fits the network for voices to the choir,
#              DEMO_OPTIONS="--model FOLDER" takes another separator for words
# make test    style, types and tests
# make lint    style and types alone
# make clean   what was made, .venv apart
#
# .venv is built when it is missing, and again when what is to be installed changes; after that nothing needs the
# network. On Linux without a GPU this saves gigabytes:
#     make demo PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Named after what was asked for, not dated: a checkout touches files that it does not change.
STAMP := $(VENV)/.installed-$(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)
# More threads than free cores make small networks slower, not faster.
export OMP_NUM_THREADS ?= 1

DEMO_OPTIONS ?=
PYTEST_OPTIONS ?=

.PHONY: demo test lint clean

demo: $(STAMP)
	$(BIN)/python demo/demo.py $(DEMO_OPTIONS)

test: lint
	$(BIN)/python -m pytest -q -n 2 $(PYTEST_OPTIONS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src/stemless benchmarks demo

clean:
	rm -rf demo/out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests benchmarks demo -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP):
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: install it, or say  make PYTHON=/path/to/python" >&2; exit 1; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	rm -f $(VENV)/.installed-*
	touch $@
