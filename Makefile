# `make help` lists the commands. Each sets up what it needs once: a virtual environment, Node from PyPI, the CDK CLI from npm.
PYTHON ?= python3
COMPILE = uv pip compile --quiet --no-strip-extras --universal --generate-hashes --python-version 3.11 --custom-compile-command 'make lock'
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test audit bench synth lint format lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: .venv/.ready  ## deploy app.py to a local AWS, send log lines, read them back from S3
	@python -m tests.emulator.demo

test: .venv/.ready .venv-lowest/.ready lint  ## everything that decides whether a change is good
	pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

audit: .venv/.ready .venv-audit/.ready  ## cdk-nag, cfn-lint and checkov over every way of using every part
	pytest tests/test_security.py
	@rm -rf build/templates && python -m tests.modes build/templates
	@.venv-audit/bin/checkov --config-file .checkov.yaml --directory build/templates

bench: .venv/.ready  ## measure, beside others; writes benchmarks/RESULTS.md
	@python -m benchmarks

synth: .venv/.ready  ## write the example app's templates to cdk.out/
	@cdk synth --quiet && ls cdk.out/*.template.json

lint: .venv/.ready  ## ruff and mypy
	ruff check
	ruff format --check
	mypy

format: .venv/.ready  ## let ruff rewrite what it can
	ruff format
	ruff check --fix

lock: .venv/.ready  ## pin requirements-*.in, the lowest of pyproject.toml and package.json again
	pip install --quiet uv
	$(COMPILE) requirements-dev.in --output-file requirements-dev.txt
	$(COMPILE) requirements-audit.in --output-file requirements-audit.txt
	$(COMPILE) pyproject.toml --extra nag --resolution lowest-direct --output-file requirements-lowest.txt
	npm install --package-lock-only

clean:  ## remove everything that was set up or made
	rm -rf .venv .venv-* node_modules cdk.out build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

.venv/.ready: requirements-dev.txt package-lock.json
	@echo "setting up once: virtual environment, Node, CDK CLI (about two minutes)"
	@$(PYTHON) -m venv .venv
	@pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@npm ci --silent --no-audit --no-fund
	@touch $@

.venv-audit/.ready: requirements-audit.txt
	@echo "setting up once: checkov (about a minute, 300 MB)"
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.txt
	@touch $@

.venv-lowest/.ready: requirements-lowest.txt
	@echo "setting up once: the oldest CDK that is supported"
	@$(PYTHON) -m venv .venv-lowest
	@.venv-lowest/bin/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-lowest.txt
	@touch $@
