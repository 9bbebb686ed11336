# `make help` lists the targets. Set-up happens by itself and is kept by stamps in the virtual environment.
#   PYTHON=…  another interpreter (a path, a command or a version such as 3.11); it gets its own .venv-<version>
#   ARGS=…    passed on: to `soiree party`, to `python -m bench`, or to pytest
#   JOB=…     which benchmark: room, relay or replication

SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?=
ARGS ?=
JOB ?= room
ifneq ($(PYTHON),)
  BASE := $(shell .ci/find-python "$(PYTHON)")
  ifeq ($(BASE),)
    $(error PYTHON=$(PYTHON) cannot be used)
  endif
  VENV := .venv-$(shell "$(BASE)" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
else
  VENV := .venv
endif
BIN := $(VENV)/bin
PINS := pyproject.toml constraints.txt hatch_build.py relay/core_sources.py $(wildcard relay/core/*)
GDSCRIPT := godot tests/godot
JS_TESTS = $(shell find tests -name '*.test.js' -o -name '*.test.mjs')
ENGINE_NOTE = if [[ -d $(VENV)/lib/python3.11 ]]; then \
  echo "soiree: libdatachannel has no wheel for Python 3.11; aiortc serves" >&2; fi

.PHONY: help setup party city test check lint e2e godot-demo godot-speed nat-matrix turn-conformance bench clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 18

setup: $(VENV)/.test node_modules/.package-lock.json bench/peers/node_modules/.package-lock.json ## everything that the other targets need
	@$(ENGINE_NOTE)

party: $(VENV)/.runtime ## run a party server; prints its link (ARGS="--port 9000")
	@$(ENGINE_NOTE)
	@exec $(BIN)/soiree party --demo party $(ARGS)

city: $(VENV)/.runtime ## run a city of 20,000 things (ARGS="--entities 100000")
	@$(ENGINE_NOTE)
	@exec $(BIN)/soiree party --demo city $(ARGS)

test: setup ## all tests: Python, JavaScript, Chromium (ARGS="tests/relay -k resume")
	@$(if $(JS_TESTS),node --test --test-reporter=dot $(JS_TESTS))
	@$(BIN)/python -m pytest $(or $(ARGS),-n 2)

check: lint test ## lint, then test

lint: setup ## ruff, mypy, import contracts, types of the JavaScript, GDScript
	@failed=; \
	$(BIN)/ruff check --quiet --output-format=concise . || failed=1; \
	$(BIN)/ruff format --check --quiet --output-format=concise . || failed=1; \
	$(BIN)/mypy --no-error-summary || failed=1; \
	$(BIN)/lint-imports --no-logo || failed=1; \
	npm run --silent types || failed=1; \
	said=$$($(BIN)/gdformat --check --line-length 120 $(GDSCRIPT) 2>&1) || { echo "$$said"; failed=1; }; \
	said=$$($(BIN)/gdlint $(GDSCRIPT) 2>&1) || { echo "$$said"; failed=1; }; \
	[[ -z $$failed ]]

e2e: setup ## only the end-to-end tests, in Chromium
	@$(BIN)/python -m pytest tests/e2e $(ARGS)

godot-demo: setup ## export the demo for the web, so that rooms offer it
	@exec $(BIN)/python -m tests.godot.export godot build/godot-demo

godot-speed: setup ## what the addon costs a game, in the official engine
	@exec $(BIN)/python -m tests.godot.speed

nat-matrix: setup ## which way leads in from every kind of network, into docs/NAT-MATRIX.md (needs root)
	@exec $(BIN)/python -m tests.nat.matrix docs/NAT-MATRIX.md

turn-conformance: setup ## coturn's test client against our TURN server, in all ways and at full length
	@UCLIENT=full $(BIN)/python -m pytest tests/turn/test_uclient.py $(ARGS)

bench: setup ## a benchmark (JOB=room, relay or replication; ARGS="--seconds 10")
	@exec $(BIN)/python -m bench $(JOB) $(ARGS)

clean: ## remove what set-up and tests made, but not the server's data
	rm -rf .venv .venv-* node_modules bench/peers/node_modules .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.runtime: $(PINS) | .ci/make-venv
	@.ci/make-venv $(VENV) runtime "$(BASE)"
	@touch $@

$(VENV)/.test: $(PINS) | .ci/make-venv
	@.ci/make-venv $(VENV) test "$(BASE)"
	@touch $@ $(VENV)/.runtime

node_modules/.package-lock.json: package.json package-lock.json | .ci/test-tools
	@.ci/test-tools
	@touch $@

bench/peers/node_modules/.package-lock.json: bench/peers/package.json bench/peers/package-lock.json | node_modules/.package-lock.json
	@cd bench/peers && npm install --no-save --silent --no-audit --no-fund
	@touch $@
