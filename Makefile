# The commands of the project. Each installs what it needs first.
# `make run` is all a therapist types; CI runs `make test`.

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON_VERSION := 3.10
TOOLS := .tools
# uv from the machine, or from a virtual environment of its own (a system Python may be managed)
UV := $(shell command -v uv 2>/dev/null || echo $(TOOLS)/uv/bin/uv)
VENV := .venv
BIN := $(VENV)/bin
# what the browser loads, and what it is built from
WEB := bot/web/dist/manifest.json
WEB_SOURCES := $(shell find web -name node_modules -prune -o -type f -print) tools/node.sh tools/node.txt
# what the tests check pages with, and the Bot API they talk to
CHECKERS := tools/browser/node_modules/.package-lock.json tools/telegram/node_modules/.package-lock.json

# what needs packages that fight Rasa's has an environment of its own, on the same Python
TOOL = UV_PROJECT_ENVIRONMENT=$(CURDIR)/$(TOOLS)/$(1) $(UV) sync --frozen --no-progress --project tools/$(1) \
	--python "$$(tools/python.sh $(UV) $(PYTHON_VERSION))"

export UV_PROJECT_ENVIRONMENT := $(VENV)
export RASA_TELEMETRY_ENABLED := false
export TF_CPP_MIN_LOG_LEVEL := 3
export SQLALCHEMY_SILENCE_UBER_WARNING := 1

.PHONY: help run train test contract faults lint eval bench tune load install web

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.runs $(WEB) ## install, train and migrate if needed, then start everything
	@$(BIN)/python -m bot run

train: $(VENV)/.runs ## train the models of the current data, if they are not there
	@$(BIN)/python -m bot train

test: $(VENV)/.tests $(WEB) $(CHECKERS) $(TOOLS)/lforms/.installed lint ## everything that CI runs
	@tools/node.sh $(UV) web npm test --silent
	@$(BIN)/python -m bot train
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(TOOLS)/lint/.installed $(WEB) ## style and types
	@$(TOOLS)/lint/bin/ruff check .
	@$(TOOLS)/lint/bin/ruff format --check .
	@$(TOOLS)/lint/bin/mypy
	@tools/node.sh $(UV) web npm run --silent check

contract: $(VENV)/.tests $(TOOLS)/contract/.installed ## send the running server what its description allows and forbids
	@$(BIN)/python -m bot train
	@$(BIN)/python -m pytest tests/contract/test_description.py

faults: $(VENV)/.tests $(WEB) $(CHECKERS) ## the faults on whole servers that take minutes each
	@$(BIN)/python -m bot train
	@$(BIN)/python -m pytest -m slow

eval: $(VENV)/.runs ## measure the assistant on messages that trained nothing
	@$(BIN)/python -m bot eval

bench: $(VENV)/.tests $(WEB) ## measure the assistant beside stock Rasa; trains that first, which takes long
	@$(BIN)/python -W ignore -m bot bench

tune: $(VENV)/.tests $(TOOLS)/tuning/.installed ## tune the screen's large reader anew; takes most of an hour
	@$(BIN)/python -W ignore -m bot.tuning --screen var/tuning
	@$(TOOLS)/tuning/bin/python -W ignore tools/tuning/tune.py --model var/tuning/all-mpnet-base-v2 \
		--samples var/tuning/samples.jsonl --out bot/screening/large.npz
	@$(BIN)/python -m bot train

load: $(VENV)/.runs $(TOOLS)/load/.installed ## 200 simulated clients for ten minutes, against an assistant of its own
	@$(BIN)/python -W ignore -m bot.bench.load

install: $(VENV)/.runs $(WEB)

web: $(WEB) ## build what the browser loads

$(WEB): $(WEB_SOURCES) | $(VENV)/.runs
	@tools/node.sh $(UV) web npm ci --silent --ignore-scripts
	@tools/node.sh $(UV) web npm run --silent build

$(CHECKERS): tools/%/node_modules/.package-lock.json: tools/%/package-lock.json | $(VENV)/.runs
	@tools/node.sh $(UV) tools/$* npm ci --silent --ignore-scripts
	@touch $@

$(VENV)/.runs: pyproject.toml uv.lock | $(UV)
	@tools/python.sh $(UV) $(PYTHON_VERSION)
	@$(UV) sync --frozen --no-progress --python "$$(tools/python.sh $(UV) $(PYTHON_VERSION))"
	@touch $@

$(VENV)/.tests: $(VENV)/.runs
	@$(UV) sync --frozen --no-progress --group test --python "$$(tools/python.sh $(UV) $(PYTHON_VERSION))"
	@tools/debian.sh
	@touch $@

$(TOOLS)/lforms/.installed: tools/lforms.sh tools/node.sh $(VENV)/.tests
	@tools/node.sh $(UV) . tools/lforms.sh $(TOOLS)/lforms

$(TOOLS)/lint/.installed: tools/lint/pyproject.toml tools/lint/uv.lock $(VENV)/.tests
	@$(call TOOL,lint)
	@touch $@

$(TOOLS)/contract/.installed: tools/contract/pyproject.toml tools/contract/uv.lock $(VENV)/.tests
	@$(call TOOL,contract)
	@touch $@

$(TOOLS)/tuning/.installed: tools/tuning/pyproject.toml tools/tuning/uv.lock $(VENV)/.runs
	@$(call TOOL,tuning)
	@touch $@

$(TOOLS)/load/.installed: tools/load/pyproject.toml tools/load/uv.lock $(VENV)/.runs
	@$(call TOOL,load)
	@touch $@

$(TOOLS)/uv/bin/uv:
	@echo "Installing uv into $(TOOLS)/uv ..."
	@python3 -m venv $(TOOLS)/uv || { echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	@$(TOOLS)/uv/bin/pip install --quiet --disable-pip-version-check -r tools/uv.txt
