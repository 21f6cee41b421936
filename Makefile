# `make help` lists the commands. The first one sets up a virtual environment, Node from PyPI, and the CDK CLI from npm.
# All files are in this folder; `make clean` removes them.
PYTHON ?= python3
# A virtual environment for each PYTHON, given as a name or a path: .venv, .venv-3.13, ...
VERSION = $(shell $(or $(PYTHON),false) -c 'import sys; print(*sys.version_info[:2], sep=".")' 2>/dev/null)
VENV := .venv$(if $(filter-out python3,$(or $(PYTHON),none)),-$(or $(VERSION),$(error PYTHON=$(PYTHON) does not run as a Python 3; name one, such as PYTHON=python3.13)))
COMPILE = uv pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11 --custom-compile-command 'make lock'
# `make quick` leaves out tests that deploy, that build all modes, that try thousands of sequences, or that need .venv/lowest.
SLOW := emulator privilege properties synthesized testing adoption cli monitoring \
	$(addprefix caveats/test_,corpus.py patterns.py) \
	$(addprefix endpoint/test_,access_logs.py load_balancer_limits.py matching.py priorities.py regular_expressions.py shared_endpoint.py teams.py weighted_routes.py) \
	$(addprefix _core/test_,environment_checks.py lookups.py unresolved.py) \
	$(addprefix logs/test_,failure_queue.py backfill.py backfill_schedules.py delivery.py memory_s3.py compaction.py compaction_lease.py on_the_emulator.py queries.py \
		replay.py shipper_anything.py shipper_faults.py shipper_schedules.py shipper_size.py splice.py subscriptions.py) \
	$(addprefix network/test_,vpc_endpoint_policies.py pointer_record.py) \
	$(addprefix service/,deployments jobs/test_job.py jobs/test_run_before.py links queues/test_queue_program.py \
		targets/test_ports_and_endpoints.py targets/test_weights.py test_cluster.py test_execution_role.py) \
	$(addprefix test_,app.py benchmarks.py comparison.py disposable.py examples.py guides.py promises.py proof_app.py readme.py recipes.py security.py stability.py) \
	tools/site tools/test_locks.py tools/test_wheel.py
# A worker that crashes is not replaced: the new one would run the same test.
SPREAD := --numprocesses 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0
# Two commands at a time, unless you pass -j.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j2)

# The make of macOS ignores the PATH below, unless SHELL is not the default
# (https://github.com/Opentrons/opentrons/issues/4808).
SHELL := $(or $(wildcard /bin/bash),/bin/sh)
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# Caches: 200 MB of CDK that jsii unpacks, and the files of the CDK CLI.
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(CURDIR)/$(VENV)/cache/jsii
export CDK_HOME := $(CURDIR)/$(VENV)/cache/cdk
# Temporary files, so that a full or missing /tmp does no harm. `make TMPDIR=...` uses another folder.
export TMPDIR := $(CURDIR)/build/tmp
$(shell mkdir -p '$(subst ','\'',$(TMPDIR))')
# Your settings for other programs. PYTHONPATH adds other packages, PYTHONSAFEPATH hides those of this folder, and
# JSII_NODE uses another Node. Set-up compiles nothing, so Python must write bytecode (PYTHONDONTWRITEBYTECODE prevents it).
unexport $(filter-out PYTHON,$(filter PYTHON% JSII_NODE JSII_RUNTIME PYTEST_PLUGINS PYTEST_DISABLE%,$(.VARIABLES)))

.DEFAULT_GOAL := help
.PHONY: help demo test quick suite long audit docs docs-check bench synth lint signatures format lock lock-check wheel-check dist create-only clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

demo: $(VENV)/.ready  ## deploy app.py to a local AWS, send log lines, read them from S3
	@python -m tests.emulator

test: $(VENV)/.ready $(VENV)/lowest/.ready  ## run all checks
	@$(MAKE) --no-print-directory $(JOBS) lint suite

suite: $(VENV)/.ready $(VENV)/lowest/.ready
	python -W ignore::RuntimeWarning:slipcover.importer -m slipcover --json --out build/coverage.json \
		-m pytest $(SPREAD)
	@python -m tools.untested build/coverage.json

quick: $(VENV)/.ready  ## run ruff and the tests that find most, in under 45 s
	ruff check
	ruff format --check
	pytest $(SPREAD) $(addprefix --ignore=tests/,$(SLOW))

long: $(VENV)/.ready  ## run the tests that take too long for make test, such as all moves of docs/migrating.md
	pytest -m long
	pytest -m hypothesis --hypothesis-profile=long tests/endpoint

audit: $(VENV)/.ready $(VENV)/audit/.ready  ## run cdk-nag, cfn-lint and checkov on each mode of each part
	pytest tests/test_security.py
	@rm -rf build/templates && python -m tests.modes build/templates
	@$(VENV)/audit/bin/checkov --config-file .checkov.yaml --directory build/templates

docs: $(VENV)/docs/.ready  ## build the documentation site into build/docs
	@$(VENV)/docs/bin/python -m tools.site

docs-check: docs tools/site/browser/node_modules/.ready  ## open each page of the site in a headless Chromium
	@node tools/site/browser/check.mjs build/docs

bench: $(VENV)/.ready  ## measure, and write benchmarks/RESULTS.md
	@python -m benchmarks

synth: $(VENV)/.ready  ## write the example app's templates to cdk.out/
	@cdk synth --quiet && ls cdk.out/*.template.json

lint: $(VENV)/.ready  ## run ruff, mypy, and pyright on tests/typing
	ruff check
	ruff format --check
	mypy
	pyright --pythonpath $(VENV)/bin/python

signatures: $(VENV)/.ready  ## copy arguments with their documentation to other signatures
	@python -m tools.signatures

format: $(VENV)/.ready  ## let ruff rewrite what it can
	ruff format
	ruff check --fix

lock: $(VENV)/.ready  ## pin requirements-*.in, pyproject.toml's lowest and package.json again, and try them
	pip install --quiet uv
	$(COMPILE) requirements-dev.in --output-file requirements-dev.txt
	$(COMPILE) requirements-audit.in --output-file requirements-audit.txt
	$(COMPILE) requirements-docs.in --output-file requirements-docs.txt
	$(COMPILE) pyproject.toml requirements-lowest.in --resolution lowest-direct --output-file requirements-lowest.txt
	npm install --package-lock-only
	npm install --package-lock-only --prefix tools/site/browser
	@$(MAKE) --no-print-directory lock-check

lock-check: $(VENV)/.ready  ## try to install each lock file with old and new pips (some minutes)
	@python -m tools.lock_check

create-only: $(VENV)/.ready  ## write the create-only properties that AWS documents outside the schemas
	@python -m tests.testing.documented

wheel-check: $(VENV)/.ready  ## build the wheel, and install it with the oldest and the newest CDK, by pip and by uv
	@python -m tools.wheel_check

dist: $(VENV)/.ready  ## build a release into dist/; TAG=v0.1.0 must be the version in pyproject.toml and CHANGELOG.md
	@python -m tools.distribution

clean:  ## remove all files of set-up, builds and tests
	rm -rf .venv .venv-* node_modules tools/site/browser/node_modules cdk.out build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.ready: requirements-dev.txt package-lock.json tools/set_up.py
	@$(PYTHON) tools/set_up.py $(VENV) requirements-dev.txt --node

# The oldest CDK that is supported, and cdk-nag 2.
$(VENV)/lowest/.ready: requirements-lowest.txt $(VENV)/.ready
	@$(PYTHON) tools/set_up.py $(VENV)/lowest requirements-lowest.txt

# checkov, 300 MB.
$(VENV)/audit/.ready: requirements-audit.txt $(VENV)/.ready
	@$(PYTHON) tools/set_up.py $(VENV)/audit requirements-audit.txt

# Sphinx with its theme.
$(VENV)/docs/.ready: requirements-docs.txt $(VENV)/.ready
	@$(PYTHON) tools/set_up.py $(VENV)/docs requirements-docs.txt

# Chromium, 70 MB, and what drives it.
tools/site/browser/node_modules/.ready: tools/site/browser/package-lock.json $(VENV)/.ready
	@cd tools/site/browser && npm ci --global=false --no-audit --no-fund --no-update-notifier --cache $(CURDIR)/$(VENV)/cache/npm
	@touch $@
