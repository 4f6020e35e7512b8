# Two commands on a fresh machine: `make demo` and `make test`. Everything they need lands in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check accept format clean

demo: .venv/runtime
	$(BIN)/isthmus fit digits --out runs/digits

test: .venv/development
	$(BIN)/python -m pytest -n 2 --dist worksteal -q

check: .venv/development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright

accept: .venv/development
	$(BIN)/python -m pytest -m slow -s -q

format: .venv/development
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .venv-peers .pytest_cache .ruff_cache .hypothesis .jax_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/runtime: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/development: .venv/runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
