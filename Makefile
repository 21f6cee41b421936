# `make help` lists the commands. Each sets up what it needs once: a virtual environment, Node from PyPI, the CDK CLI from npm.
# All of it is in this folder; `make clean` removes it.
PYTHON ?= python3
# A virtual environment for each version of Python that is named, by a path too: .venv, .venv-3.13, ...
VERSION = $(shell $(or $(PYTHON),false) -c 'import sys; print(*sys.version_info[:2], sep=".")' 2>/dev/null)
VENV := .venv$(if $(filter-out python3,$(or $(PYTHON),none)),-$(or $(VERSION),$(error PYTHON=$(PYTHON) does not run as a Python 3; name one, such as PYTHON=python3.13)))
COMPILE = uv pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11 --custom-compile-command 'make lock'
# What `make quick` leaves out: whatever deploys, builds all modes, or tries thousands of histories.
SLOW := emulator privilege properties synthesized testing \
	$(addprefix caveats/test_,corpus.py patterns.py) \
	$(addprefix endpoint/test_,access_logs.py limits.py matching.py priorities.py) \
	$(addprefix _core/test_,environment_checks.py unresolved.py) \
	$(addprefix logs/test_,log_group_names.py backfill.py backfill_schedules.py delivery.py memory_s3.py compaction.py compaction_lease.py on_the_emulator.py queries.py \
		replay.py shipper_anything.py shipper_faults.py shipper_schedules.py shipper_size.py splice.py subscriptions.py) \
	$(addprefix network/test_,endpoint_policies.py pointer_record.py) \
	$(addprefix service/test_,deployment.py run_before.py weights.py) \
	$(addprefix test_,app.py benchmarks.py demo.py disposable.py promises.py readme.py security.py stability.py \
		wheel.py)
# Two commands at a time, unless a person says how many.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j2)

# The make of macOS ignores the PATH below, unless its shell is another than the default
# (https://github.com/Opentrons/opentrons/issues/4808).
SHELL := $(or $(wildcard /bin/bash),/bin/sh)
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# What jsii unpacks, 200 MB of CDK, and what the CDK CLI keeps.
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(CURDIR)/$(VENV)/cache/jsii
export CDK_HOME := $(CURDIR)/$(VENV)/cache/cdk
# What programs put aside for a while. A full or missing /tmp is no obstacle; `make TMPDIR=...` names another folder.
export TMPDIR := $(CURDIR)/build/tmp
$(shell mkdir -p '$(TMPDIR)')
# A person's settings for other programs. PYTHONPATH brings other packages, PYTHONSAFEPATH hides those of this folder, and
# JSII_NODE names another Node. Set-up compiles nothing, so Python has to keep what it compiles (PYTHONDONTWRITEBYTECODE).
unexport $(filter-out PYTHON,$(filter PYTHON% JSII_NODE JSII_RUNTIME PYTEST_PLUGINS PYTEST_DISABLE%,$(.VARIABLES)))

.DEFAULT_GOAL := help
.PHONY: help demo test quick suite audit bench synth lint signatures format lock lock-check wheel-check create-only clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

demo: $(VENV)/.ready  ## deploy app.py to a local AWS, send log lines, read them back from S3
	@python -m tests.emulator

test: $(VENV)/.ready $(VENV)/lowest/.ready  ## everything that decides whether a change is good
	@$(MAKE) --no-print-directory $(JOBS) lint suite

suite: $(VENV)/.ready $(VENV)/lowest/.ready
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

quick: $(VENV)/.ready  ## ruff, and the tests that find most, in under 45 s
	ruff check
	ruff format --check
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(addprefix --ignore=tests/,$(SLOW))

audit: $(VENV)/.ready $(VENV)/audit/.ready  ## cdk-nag, cfn-lint and checkov over every way of using every part
	pytest tests/test_security.py
	@rm -rf build/templates && python -m tests.modes build/templates
	@$(VENV)/audit/bin/checkov --config-file .checkov.yaml --directory build/templates

bench: $(VENV)/.ready  ## measure, beside others; writes benchmarks/RESULTS.md
	@python -m benchmarks

synth: $(VENV)/.ready  ## write the example app's templates to cdk.out/
	@cdk synth --quiet && ls cdk.out/*.template.json

lint: $(VENV)/.ready  ## ruff, mypy, and pyright over tests/typing
	ruff check
	ruff format --check
	mypy
	pyright --pythonpath $(VENV)/bin/python

signatures: $(VENV)/.ready  ## write out the arguments that one signature takes from another
	@python -m tools.signatures

format: $(VENV)/.ready  ## let ruff rewrite what it can
	ruff format
	ruff check --fix

lock: $(VENV)/.ready  ## pin requirements-*.in, the lowest of pyproject.toml and package.json again, and try the result
	pip install --quiet uv
	$(COMPILE) requirements-dev.in --output-file requirements-dev.txt
	$(COMPILE) requirements-audit.in --output-file requirements-audit.txt
	$(COMPILE) pyproject.toml --extra nag --resolution lowest-direct --output-file requirements-lowest.txt
	npm install --package-lock-only
	@$(MAKE) --no-print-directory lock-check

lock-check: $(VENV)/.ready  ## try to install each lock file with old and new pips (some minutes)
	@python -m tools.lock_check

create-only: $(VENV)/.ready  ## keep again what AWS documents to replace for, and the resource schemas do not
	@python -m tests.testing.documented && ruff format --quiet fargate_constructs/synthesized/create_only_documented.py

wheel-check: $(VENV)/.ready  ## build the wheel, and install it beside the oldest and the newest CDK, by pip and by uv
	@python -m tools.wheel_check

clean:  ## remove everything that was set up or made
	rm -rf .venv .venv-* node_modules cdk.out build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.ready: requirements-dev.txt package-lock.json tools/set_up.py
	@$(PYTHON) tools/set_up.py $(VENV) requirements-dev.txt --node

# The oldest CDK that is supported.
$(VENV)/lowest/.ready: requirements-lowest.txt $(VENV)/.ready
	@$(PYTHON) tools/set_up.py $(VENV)/lowest requirements-lowest.txt

# checkov, 300 MB.
$(VENV)/audit/.ready: requirements-audit.txt $(VENV)/.ready
	@$(PYTHON) tools/set_up.py $(VENV)/audit requirements-audit.txt
