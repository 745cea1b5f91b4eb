# Two commands are all that anyone needs on a fresh machine: `make drill` and `make test`.
# Each makes .venv and installs what it needs by itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ONLY ?=
FROM ?=
WITH ?=

.DEFAULT_GOAL := help
.PHONY: help drill test test-plain lint format bench prove sample schema track-record sweep clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# pip 25.1 is the first that knows dependency groups.
$(READY): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (once, a minute or two)"
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

drill: $(READY) ## three patterns under one killed instance: one table, one report
	@$(BIN)/statedrill compare --patterns sticky,distributed,decoupled --experiments instance-kill

# Tests without processes keep every core busy. Those with processes mostly wait, so more of them run
# at once than there are cores. Drills are judged by what happened when: few of them at a time.
test: $(READY) ## every test, real processes and short drills included
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not cluster and not drill and not bench"
	@$(BIN)/python -m pytest -n 3 --dist loadfile -m "cluster and not drill and not bench"
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "drill and not bench"

test-plain: $(READY) ## the tests that start no process (two minutes)
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not cluster and not drill and not bench"

lint: $(READY) ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY) ## put everything into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY) ## measure, print a table, write reports/bench/results.json (ONLY=load for a group)
	@$(BIN)/python -m tests.benchmarks $(ONLY)

prove: $(READY) ## the long proofs of the checker: 100,000 histories, 10 million operations
	@$(BIN)/python -m tools.long_run

sample: $(READY) ## make reports/sample anew from its own history
	@$(BIN)/python -m tools.sample $(FROM)

schema: $(READY) ## make docs/schema anew from the records of plan, verdict and events
	@$(BIN)/python -m tools.schemas

track-record: $(READY) ## every planted bug in a drill of its own, and the README's table of them
	@$(BIN)/python -m tools.track_record

sweep: $(READY) ## every pattern under every experiment that applies (goes on where it was stopped)
	@$(BIN)/python -m tools.sweep $(WITH)

clean: ## remove .venv and caches; reports stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
