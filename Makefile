# The everyday commands; each one sets up .venv first if need be. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: help run test trials lint format bench screenshots

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -r requirements.txt
	touch $@

run: .venv/installed ## open the dashboard (the demo while no account is connected)
	$(BIN)/streamlit run app.py

test: .venv/installed ## run the tests; ARGS="-n 0 -k listing" to choose
	$(BIN)/pytest $(ARGS)

trials: .venv/installed ## run the wide generated trials that `test` leaves out
	$(BIN)/pytest -m slow $(ARGS)

lint: .venv/installed ## check style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict -p hlcore
	$(BIN)/lint-imports

format: .venv/installed ## format and sort imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/installed ## run a benchmark: NAME=listing ARGS=20000 (names in tests/benchmarks/README.md)
	$(BIN)/python -m tests.benchmarks.$(NAME) $(ARGS)

screenshots: .venv/installed ## save every page at both widths and themes in screenshots/
	$(BIN)/pytest -n 0 tests/browser/test_looks.py --screenshots=screenshots
