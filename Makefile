SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup db demo test test-calendar bench lint audit clean system test-system server cluster
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
SMSC := $(patsubst %/package.json,%,$(wildcard kannel/smsc/package.json))

# A server that the environment names replaces the one we would install and start.
SERVER := $(if $(OUTBOX_DSN),,postgres)

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

setup: system .venv/installed $(SMSC:%=%/node_modules/.package-lock.json) ## Install all that is missing: packages, libraries, the SMSC simulator

db: cluster ## Start the private database in .local (or take $OUTBOX_DSN) and migrate it
	@$(PY) -m migrations
	@$(PY) -m outbox.first_run
	@echo 'The database is ready; its address: .venv/bin/outbox db url'

demo: setup db ## Watch the main job run on real input: ERP, rules, Kannel, receipts, report
	@$(PY) -m demo

# Two at a time, each with a server of its own; a server that is named is shared, so there one by one.
TESTERS := $(if $(OUTBOX_TEST_DSN),0,2)

# RANDOM=1 runs them in another order each time and says by which seed; RANDOM=<seed> repeats one.
SEED := $(if $(filter 1,$(RANDOM)),$(shell date +%s),$(RANDOM))
SHUFFLED := $(if $(RANDOM),--random-order --random-order-seed=$(SEED))

# Cut off before the tests, so that pytest has the last word.
test: test-system .venv/installed $(SMSC:%=%/node_modules/.package-lock.json) ## Run all tests with coverage (about a quarter of an hour)
	@mkdir -p .local/coverage
	@$(PY) -m pytest -n $(TESTERS) --dist loadfile --cov --cov-report=term --cov-fail-under=85 $(SHUFFLED)

# The tests that know time, as if it were another day: two dates that the day draws, ALL=1 all of them, AT='2028-02-29 11:00' one moment.
test-calendar: test-system need-postgres need-faketime .venv/installed
	@$(PY) -m tests.support.moved_clock $(if $(ALL),--all) $(if $(AT),--at '$(AT)') $(TESTS)

bench: setup cluster ## Measure, print the numbers beside their targets and write docs/benchmarks.md
	@$(PY) -m bench

lint: .venv/installed ## Check style, types and who imports whom
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

audit: .venv/installed ## Ask whether a known hole is in what we pin (needs the network)
	@$(PY) scripts/audit.py

clean: ## Stop all that was started here and delete what was made: .local, .venv, caches
	@scripts/clean

system:
	@scripts/packages python $(SERVER) kannel node

# The tests find their server in $OUTBOX_TEST_DSN or in Docker; only else they must have their own.
test-system:
	@scripts/packages python kannel node
	@for package in pgbouncer prometheus chromium nginx; do scripts/packages --try $$package; done
	@if [ -n "$$OUTBOX_TEST_DSN" ] || docker info >/dev/null 2>&1; \
	then scripts/packages --try postgres; else scripts/packages postgres; fi

server:
	@scripts/packages python $(SERVER)

cluster: server .venv/installed
	@[ -n "$$OUTBOX_DSN" ] || $(PY) -m outbox.cluster start

need-%:
	@scripts/packages $*

.venv/installed: pyproject.toml constraints.txt | need-python
	@$(PY) -c 'import pip' 2>/dev/null || python3 -m venv --clear .venv
	@echo 'Installing the Python libraries into .venv'
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
		$(PY) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json | need-node
	@echo 'Installing the SMSC simulator into $*'
	@npm ci --prefix $* --no-audit --no-fund --silent
	@touch $@
