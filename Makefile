# `make` alone lists what there is. Every target first brings .venv up to date.
SHELL := /bin/bash
.DEFAULT_GOAL := help

HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON_BIN := .venv/bin/python

# What a production server would set, for `manage.py check --deploy`; the values open nothing.
DEPLOYED := SUPPORTDESK_PRODUCTION=1 SECRET_KEY=0q7r1s-only-for-make-check-8Zc2LkV5nYw9TgBhXf3JdPm6UaEoKi4R \
	SEALING_KEYS=check:bWFrZS1jaGVjay1tYWtlLWNoZWNrLW1ha2UtY2hlY2s= ALLOWED_HOSTS=desk.example \
	DATABASE_URL=postgres://desk@127.0.0.1/desk REDIS_URL=redis://127.0.0.1:6379/0 \
	EMAIL_BACKEND=django.core.mail.backends.smtp.EmailBackend

.PHONY: help setup setup-dev run test reliability bench screens lock clean audit sbom \
	check check-ruff check-format check-types check-imports check-templates check-migrations check-deploy check-tracked

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-13s %s\n", $$1, $$2 }'

setup: ## .venv with what `make run` needs
	@deploy/setup.sh

setup-dev: ## .venv with what `make test` and `make check` need, too
	@deploy/setup.sh dev

run: setup ## the product with its demo workspace; PORT=8000 HOST=127.0.0.1
	@exec $(PYTHON_BIN) manage.py serve --demo --host $(HOST) --port $(PORT)

test: setup-dev ## the tests of every commit
	@$(PYTHON_BIN) -m tests.run

reliability: setup-dev ## long races, kills, fuzzing and sweeps, on SQLite and on PostgreSQL
	@$(PYTHON_BIN) -m tests.run reliability

screens: setup-dev ## pictures of every page and state, into docs/screens
	@$(PYTHON_BIN) -m tests.browser.screens

bench: setup-dev ## performance bars, each against a reference measured in the same run
	@$(PYTHON_BIN) manage.py bench all

check: check-ruff check-format check-types check-imports check-templates check-migrations check-deploy check-tracked ## what CI checks (`make -k check` goes on after a failure)
	@echo "All checks passed."

check-ruff: setup-dev
	.venv/bin/ruff check .

check-format: setup-dev
	.venv/bin/ruff format --check .

check-types: setup-dev
	.venv/bin/mypy .

check-imports: setup-dev
	.venv/bin/lint-imports

check-templates: setup-dev
	.venv/bin/djlint templates supportdesk --extension html --lint --quiet

check-migrations: setup-dev
	@SUPPORTDESK_VAR=$(CURDIR)/.venv/check-var $(PYTHON_BIN) manage.py makemigrations --check --dry-run

check-deploy: setup-dev
	@SUPPORTDESK_VAR=$(CURDIR)/.venv/check-var $(DEPLOYED) $(PYTHON_BIN) manage.py check --deploy --fail-level WARNING

check-tracked: setup-dev
	@$(PYTHON_BIN) -m tests.house.tracked

audit: setup-dev ## known holes in the locked requirements; says loudly when the advisory service does not answer
	@PATH="$(CURDIR)/.venv/bin:$$PATH" deploy/audit.sh requirements.txt requirements-dev.txt

sbom: setup-dev ## bill of materials of what production installs, into build/sbom.json (CycloneDX)
	@$(PYTHON_BIN) deploy/sbom.py requirements.txt build/sbom.json

lock: setup-dev ## lock requirements*.in again, with hashes, for every Python from 3.11
	@for name in requirements requirements-dev; do \
		uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $$name.in -o $$name.txt || exit 1; \
	done

clean: ## take away .venv, caches and the demo's data (var/)
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks build staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
