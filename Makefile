# Two commands matter: `make run` serves the teaser chat, `make test` tests it.
# `make help` lists the rest. Everything is installed into .venv, for `make bench` into .venv-bench,
# and nothing outside this folder but the servers that `make test` needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH_VENV := .venv-bench
BIND ?= 127.0.0.1:8000
PYTEST_ARGS ?=
# More than the two cores of a small machine, as each waits for its own servers a third of the time;
# 0 runs the suite in one, test by test. What fails in a busy moment is run once more by itself: it
# is named as flaky, and only what fails again has failed.
TEST_PROCESSES ?= 3
PYTEST = $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder
# Where nothing may write bytecode, every server that a test starts compiles the application anew.
unexport PYTHONDONTWRITEBYTECODE
# To underline in tracebacks, Python 3.11 parses source text, which ends in a SystemError where two
# threads do so at once: a thread that logs an exception while pytest reads a test.
export PYTHONNODEBUGRANGES = 1
DRILLS ?=
BENCHMARKS ?=
SOAK_SECONDS ?= 300
SEED ?=

.DEFAULT_GOAL := help
.PHONY: help run up test test-fast coverage test-servers lint format bench drill drill-mutants soak alerts clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/run.stamp ## serve on 127.0.0.1:8000 for development; BIND changes the address
	@echo
	@echo "  Teaser chat: http://$(BIND)/develope   (Ctrl-C ends it)"
	@if [ -n "$$REDIS_URL" ]; then echo "  Conversations are kept in Redis."; else \
		echo "  Conversations are kept in instance/sessions.db, unless the settings say otherwise."; \
		echo "  To keep them in Redis: REDIS_URL=redis://127.0.0.1:6379/0 make run"; fi
	@echo
	@DEBUG=$${DEBUG:-true} BIND=$(BIND) exec $(BIN)/python -m deploy.serve

up: $(VENV)/run.stamp ## serve as deployed, nginx and gunicorn and Redis, until Ctrl-C; TLS=1, PORT=8443
	@exec $(BIN)/python -m deploy.up $(if $(TLS),--tls) $(if $(PORT),--port $(PORT))

test: $(VENV)/test.stamp test-servers ## run the whole suite with its servers; PYTEST_ARGS narrows it
	$(PYTEST) $(PYTEST_ARGS) || \
		{ echo "Once more, one after another, what failed:"; \
		$(BIN)/python -m pytest --last-failed --last-failed-no-failures none --repeated; }

test-fast: $(VENV)/test.stamp test-servers ## run what needs no gunicorn, nginx or browser, while working; PYTEST_ARGS narrows it
	$(PYTEST) --fast $(PYTEST_ARGS)

coverage: $(VENV)/test.stamp test-servers ## run the fast tests and report what of routes/ and services/ they reach
	$(PYTEST) --fast --cov --cov-report=term $(PYTEST_ARGS)

test-servers:
	@sh tests/servers.sh

lint: $(VENV)/test.stamp ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/test.stamp ## put the code into its usual form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(BENCH_VENV)/bench.stamp test-servers ## measure speed, as ratios within one run, also beside others; BENCHMARKS names some
	$(BENCH_VENV)/bin/python -m benchmarks $(BENCHMARKS)

drill: $(VENV)/test.stamp test-servers ## change stages, restart and take Redis away under load, and count what got lost; DRILLS names some
	$(BIN)/python -m tests.drills $(DRILLS)

drill-mutants: $(VENV)/test.stamp test-servers ## switch each protection off and see a drill fail
	$(BIN)/python -m tests.drills.mutants

soak: $(VENV)/test.stamp test-servers ## faults in random order for SOAK_SECONDS; SEED repeats an order
	$(BIN)/python -m tests.drills.soak --seconds $(SOAK_SECONDS) $(if $(SEED),--seed $(SEED))

alerts: ## check Prometheus's alerts and run their rule tests
	@command -v promtool >/dev/null || { echo "promtool is missing; on Debian: apt-get install prometheus"; exit 1; }
	cd deploy/prometheus && promtool check rules alerts.yml && promtool test rules alerts_test.yml alerts_daily_test.yml

clean: ## remove the virtual environments and what tools left behind
	rm -rf $(VENV) $(BENCH_VENV) .mypy_cache .pytest_cache .ruff_cache .coverage .hypothesis .schemathesis tests/artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python $(BENCH_VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with PYTHON=python3.12 make run"; exit 1; }
	@$(PYTHON) -m venv $(@:/bin/python=) || \
		{ rm -rf $(@:/bin/python=); echo "python3 -m venv failed; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/test.stamp: tests/requirements.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@ $(VENV)/run.stamp

$(BENCH_VENV)/bench.stamp: benchmarks/requirements.txt tests/requirements.txt requirements.txt | $(BENCH_VENV)/bin/python
	$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@
