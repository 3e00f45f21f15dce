# make demo   set up, then train on data/input.txt (a screen in a terminal, a plain log elsewhere)
# make test   set up, then run every test
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check pictures clean

demo: .venv/.installed
	$(BIN)/rnnscope train data/input.txt

test: .venv/.installed-tests
	$(BIN)/pytest -n 2 --dist worksteal

check: .venv/.installed-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist worksteal --cov=rnnscope --cov-report=term

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch==2.13.0 --editable ".[serve]"
	touch $@

.venv/.installed-tests: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[serve,test,check]"
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
