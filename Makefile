# The commands of this repository. `make demo` and `make test` set up everything that they need.

PYTHON ?= $(shell for python in python3.12 python3.13 python3.11 python3; do \
	command -v $$python >/dev/null && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
ROOMS := perdure spec policy engine workflows activities backends catalog hosts store worker api proxy cli server doctor
CODE := $(ROOMS) tests benchmarks examples

# Certificates of this machine, a company's own among them, as pip takes them by default.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS ?= 1
endif

.PHONY: demo test test-long fuzz simulate lint bench docs format histories freeze lock machine

demo: .venv/.ready ## serve a real language model, talk to it, stop everything
	@$(BIN)/python -P examples/demo

test: .venv/.ready machine ## everything but what takes minutes
	$(BIN)/python -m pytest

test-long: .venv/.ready machine ## what takes minutes
	$(BIN)/python -m pytest -m long

fuzz: .venv/.ready ## hostile bytes at the proxy: SECONDS=600, SEED= of a run to see again, CASE= of it
	$(BIN)/python -m tests.proxy.fuzz --seconds $(or $(SECONDS),600) \
		$(if $(SEED),--seed $(SEED)) $(if $(CASE),--case $(CASE))

simulate: .venv/.ready ## runs for days under a clock of ours: SEEDS=100, HOURS=72, SEED= of one to see again
	$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),100) $(if $(SEED),--seed $(SEED)) \
		$(if $(HOURS),--hours $(HOURS))

lint: .venv/.ready ## style, types, the import law
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.ready machine ## figures for docs/performance.md
	$(BIN)/python -m benchmarks

docs: .venv/.ready ## the pages that are generated from the code
	$(BIN)/python -m tests.docs.generate

format: .venv/.ready
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

histories: .venv/.ready machine ## record the workflow histories that later versions must replay
	$(BIN)/python -m pytest tests/workflows --record-histories

freeze: .venv/.ready ## freeze what `make histories` recorded, as that of a release
	$(BIN)/python -m tests.histories.frozen $(RELEASE)

lock: .venv/.ready ## renew requirements.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --no-header \
		--python-version 3.11 --all-extras --group dev --output-file requirements.lock pyproject.toml

machine: ## what tests need of the machine: by apt as root, else told
	@tests/testbed/install.sh

.venv/.ready: pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "perdure needs Python 3.11 or newer: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& echo "Installing python3-venv …" && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3-venv >/dev/null; \
	} || { echo "python3-venv is missing: apt install python3-venv" >&2; exit 1; }
	@echo "Making a virtual environment in .venv …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the packages of requirements.lock into it …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@
