# Everything a developer does. `make help` says what there is.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?=
FIND_PYTHON = PYTHON="$(PYTHON)" scripts/find-python
BIN := .venv/bin
UV := .tools/bin/uv
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.tools/ready: scripts/uv.txt
	@rm -rf .tools
	@python=$$($(FIND_PYTHON)) && "$$python" -m venv .tools
	@.tools/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r scripts/uv.txt
	@touch $@

# The lock names no registry (see docs/decisions): packages come, by name and hash, from the index this machine is set up with.
.venv/ready: .tools/ready uv.lock pyproject.toml layers/auditor/pyproject.toml simulator/pyproject.toml
	@mkdir -p build
	@python=$$($(FIND_PYTHON)) && $(UV) venv --quiet --clear --python "$$python" .venv
	@$(UV) export --quiet --frozen --no-header --no-emit-workspace --all-packages --all-groups --all-extras --output-file build/requirements.txt
	@$(UV) pip sync --quiet --python .venv --require-hashes --compile-bytecode build/requirements.txt
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --offline --editable layers/auditor --editable simulator
	@touch $@

.PHONY: setup
setup: .venv/ready ## install everything into .venv

.PHONY: lock
lock: .tools/ready ## bring uv.lock up to date, without the names of registries
	@$(UV) lock --python "$$($(FIND_PYTHON))" $(LOCK)
	@sed -i.bak -E -e 's|url = "https://[^/"]+/packages/|url = "packages/|' -e 's|registry = "https://[^"]+"|registry = "simple"|' uv.lock && rm -f uv.lock.bak
