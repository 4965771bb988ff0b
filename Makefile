# One verb a line.  `make demo` and `make test` do all the set-up they need themselves.
PYTHON ?= python3
PY = .venv/bin/python
export PYTHONHASHSEED = 0

.PHONY: help setup demo demo-check test test-full lint types contracts bench faults screenshots messages lock

help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup:           ## .venv with everything that web, workers, trainer, evaluator and tests import
	@$(PYTHON) tools/setup.py
	@if [ -f tools/messages.py ]; then $(PY) tools/messages.py compile; fi

demo: setup      ## the whole loop on real input, in the browser; Ctrl-C stops it, the same command goes on
	@$(PY) manage.py demo $(ARGS)

demo-check: setup ## the whole loop without a browser, from an empty database, with its figures as JSON
	@LABELPLATFORM_DATA=$$(mktemp -d) $(PY) manage.py demo --until-done --summary demo-summary.json && cat demo-summary.json

test: setup      ## lint, types, import contracts, unit and property tests, mutants, journeys in a real browser
	@$(PY) tools/run_tests.py

test-full: setup ## the same in the large sizes
	@$(PY) tools/run_tests.py --full

lint: setup      ## ruff, check and format
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

types: setup     ## mypy, strict
	@$(PY) -m mypy

contracts: setup ## the import law
	@.venv/bin/lint-imports --no-cache

faults: setup    ## kill -9, lost brokers, full disks
	@$(PY) -m pytest tests/faults -q

bench: setup     ## speed and gain, measured side by side
	@$(PY) benchmarks/demo_gain.py --seeds 0,1,2

screenshots: setup ## every page: width x language x theme, into OUT=DIR
	@$(PY) tools/screenshots.py $(or $(OUT),screenshots)

messages: setup  ## compile the message files and check that no Chinese is missing
	@$(PY) tools/messages.py compile && $(PY) tools/messages.py check

lock: setup      ## write requirements.lock from the environment as it is
	@$(PY) tools/lock.py
