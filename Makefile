# make demo    the portal with a local OUTSCALE, on http://127.0.0.1:8000 (or DEMO_PORT), until Ctrl-C
# make test    every test
# make check   everything CI runs
# make audit   known vulnerabilities of what is installed, where the service that knows them answers
#
# Only .venv, var and static_collected are written to. PYTHON=… names another interpreter.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A stamp carries the sum of the requirements it stands for: other requirements are installed anew, the same never.
sum = $(shell cat $(1) | cksum | cut -d ' ' -f 1)
RUNTIME := .venv/.installed-$(call sum,requirements.txt)
DEVELOPMENT := .venv/.installed-dev-$(call sum,requirements.txt requirements-dev.txt)
MESSAGES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/django.po))

.PHONY: demo test check lint audit test-postgresql messages

demo: $(RUNTIME) messages
	@exec $(BIN)/python demo.py

test: $(DEVELOPMENT) messages
	$(BIN)/pytest -n 2

check: lint audit test test-postgresql

audit: $(DEVELOPMENT)
	$(BIN)/python .ci/audit

lint: $(DEVELOPMENT)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	DEBUG=true DATABASE_URL=sqlite:///:memory: $(BIN)/python manage.py makemigrations --check
	DEBUG=false DEMO=false ALLOWED_HOSTS=portal.example DATABASE_URL=sqlite:///:memory: \
	  SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
	  $(BIN)/python manage.py check --deploy --fail-level WARNING

# What axe finds on a page does not depend on the database: those tests run once, in "test".
test-postgresql: $(DEVELOPMENT) messages
	.ci/with-postgresql .ci/with-redis env REQUIRE_POSTGRESQL=1 $(BIN)/pytest -n 2 --ignore=tests/browser/test_accessibility.py

messages: $(MESSAGES)

%.mo: %.po | $(RUNTIME)
	$(BIN)/pybabel compile --input-file=$< --output-file=$@

$(DEVELOPMENT): $(RUNTIME) requirements-dev.txt
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $@

$(RUNTIME): requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --requirement requirements.txt
	touch $@

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed, $(PYTHON) is older. Name another: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "This Python has no venv: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
