# Each target sets up what it needs in .venv first, and does so again only when the pins changed.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check bench docs pins clean

PYTHON ?=
BIN := .venv/bin
RUN := .venv/run.ready
DEV := .venv/dev.ready

help:
	@echo "make demo    play the whole loop in a scratch folder"
	@echo "make test    run the tests"
	@echo "make check   lint, types, docs, wheel and tests, as CI does"
	@echo "make bench   measure start-up, rounds, board and size"
	@echo "make docs    write docs/help.md and docs/timeline.svg anew"
	@echo "make pins    write the requirement files anew from pyproject.toml"
	@echo "make clean   remove .venv and the caches"

demo: $(RUN)
	@$(BIN)/pmcodex demo

test: $(DEV)
	@$(BIN)/pytest

check: $(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python tools/help_page.py --check
	@$(BIN)/python tools/check_wheel.py
	@$(BIN)/pytest -n 2

bench: $(DEV)
	@$(BIN)/python bench/startup.py
	@$(BIN)/python bench/rounds.py
	@$(BIN)/python bench/board.py
	@$(BIN)/python bench/size.py

docs: $(DEV)
	@$(BIN)/python tools/help_page.py
	@$(BIN)/python tools/timeline_picture.py

PIN := $(BIN)/pins/bin/pip-compile --quiet --generate-hashes --strip-extras --all-build-deps \
	--no-header --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

pins: $(DEV)
	@$(BIN)/python -m venv $(BIN)/pins
	@$(BIN)/pins/bin/python -m pip install --quiet pip-tools
	@$(PIN) --extra dev --output-file requirements.txt pyproject.toml
	@$(PIN) --constraint requirements.txt --output-file requirements-run.txt pyproject.toml

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(RUN): requirements-run.txt pyproject.toml tools/setup
	@PYTHON="$(PYTHON)" sh tools/setup run

$(DEV): requirements.txt pyproject.toml tools/setup
	@PYTHON="$(PYTHON)" sh tools/setup dev
