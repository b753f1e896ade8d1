# The commands of a developer; `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?=
ARGS ?=
SEED ?= 1
BIN := .venv/bin
UV := .tools/bin/uv
# Only find-python lets uv download a Python, and reports it. DOWNLOADS keeps the user's setting for find-python.
DOWNLOADS := $(UV_PYTHON_DOWNLOADS)
override UV_PYTHON_DOWNLOADS := never
export UV_PYTHON_DOWNLOADS
FIND_PYTHON = PYTHON="$(PYTHON)" UV="$(UV)" UV_PYTHON_DOWNLOADS="$(DOWNLOADS)" scripts/find-python
# uv trusts the certificates of the system, and uses the index that pip is configured with
export UV_SYSTEM_CERTS ?= 1
PIP_INDEX = { .tools/bin/python -m pip config list 2>/dev/null || :; } | sed -nE "s/^(global|install|:env:)\.index-url='(.*)'$$/\2/p" | tail -n 1
WITH_INDEX = export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${UV_INDEX_URL:-$$($(PIP_INDEX))}}";
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# without bytecode, each worker of each run compiles all tests again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# An environment has fixed paths: after its folder is moved or copied, it is created again.
ifneq ($(shell cat .venv/ready 2>/dev/null),$(CURDIR))
MOVED := yes
.tools/ready .venv/ready: moved
endif
.PHONY: moved
moved:

.tools/ready: scripts/uv.txt scripts/install-uv
	@echo "Setting up, once: this takes a minute." >&2
	@rm -rf .tools
	@PYTHON="$(PYTHON)" scripts/install-uv .tools
	@touch $@

# The lock names no registry (docs/development/decisions/0002): packages come by name and hash from the index of this machine.
.venv/ready: .tools/ready uv.lock pyproject.toml layers/auditor/pyproject.toml simulator/pyproject.toml
	@mkdir -p build
	@python=$$($(FIND_PYTHON)) && $(UV) venv --quiet $(if $(MOVED),--clear,--allow-existing) --python "$$python" .venv
	@$(UV) export --quiet --frozen --no-header --no-emit-workspace --all-packages --all-groups --all-extras --output-file build/requirements.txt
	@$(WITH_INDEX) $(UV) pip sync --quiet --python .venv --require-hashes --compile-bytecode build/requirements.txt
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --offline --editable layers/auditor --editable simulator
	@printf '%s' "$(CURDIR)" > $@

# The SAM CLI and checkov pin versions that conflict with those of .venv: each has its own environment.
.tools/%/ready: scripts/%.txt .tools/ready
	@python=$$($(FIND_PYTHON)) && $(UV) venv --quiet --allow-existing --python "$$python" .tools/$*
	@$(WITH_INDEX) $(UV) pip sync --quiet --python .tools/$* --require-hashes --only-binary :all: $<
	@touch $@

# The build for deployment, and its layer for x86-64, on which most tests run. A file changed during a build is newer than the build.
SHIPPED := $(shell find functions layers/auditor/src scripts/Makefile scripts/build-layer scripts/compile \
	-name __pycache__ -prune -o -name '*.pyc' -o -print 2>/dev/null)
BUILT := .aws-sam/build/template.yaml build/layer-x86_64/ready
export SAM_CLI_TELEMETRY := 0
.aws-sam/build/template.yaml: template.yaml samconfig.toml uv.lock layers/auditor/pyproject.toml $(SHIPPED) | .tools/sam/ready
	@mkdir -p build && touch build/sam.begun
	@.tools/sam/bin/sam build >build/sam.log 2>&1 || { cat build/sam.log >&2; exit 1; }
	@touch -r build/sam.begun $@
build/layer-x86_64/ready: uv.lock layers/auditor/pyproject.toml $(SHIPPED) | .tools/ready
	@mkdir -p build && touch build/layer.begun
	@AUDITOR_ARCH=x86_64 scripts/build-layer build/layer-x86_64
	@touch -r build/layer.begun $@

.PHONY: setup
setup: .venv/ready ## install everything into .venv, including the command backup-auditor

.PHONY: demo
demo: .venv/ready ## audit a neglected project that a simulator serves here (ARGS=fleet: an organization)
	@$(BIN)/python scripts/demo.py $(ARGS)

.PHONY: build
build: .venv/ready $(BUILT) ## build the application (sam build) and the layer that the tests run

.PHONY: package
package: .venv/ready .aws-sam/build/template.yaml ## write into dist/ the zip that the AWS CLI deploys without a build, and its SHA-256
	@$(BIN)/python scripts/build_package.py

.PHONY: test
test: .venv/ready $(BUILT) ## run the tests (ARGS="-k name" selects some; AUDITOR_TEST_SHIFT_DAYS=-800 moves their clock)
	@$(BIN)/pytest --numprocesses auto --maxprocesses 8 $(ARGS)

.PHONY: unit
unit: .venv/ready ## run the unit tests, without a build, in under a minute
	@$(BIN)/pytest tests/unit --numprocesses logical --maxprocesses 8 --dist worksteal --hypothesis-profile quick $(ARGS)

.PHONY: check
check: .venv/ready .tools/sam/ready .tools/checkov/ready ## format, lint, types, import rules, dependencies, dead code, documents and their site, template
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd layers/auditor && ../../$(BIN)/deptry src
	cd simulator && ../$(BIN)/deptry src
	$(BIN)/vulture
	PYTHONPATH=scripts $(BIN)/python -m docs --check
	$(MAKE) --no-print-directory site
	$(BIN)/cfn-lint template.yaml
	.tools/sam/bin/sam validate --region us-east-1 >/dev/null
	.tools/checkov/bin/checkov --quiet --compact --skip-download --framework cloudformation --file template.yaml

.PHONY: docs
docs: .venv/ready ## write the generated documents and transcripts
	@PYTHONPATH=scripts $(BIN)/python -m docs

.PHONY: site
site: .venv/ready ## build the documents as a site into build/site; a broken link or anchor fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

.PHONY: bench
bench: .venv/ready $(BUILT) ## measure speed, memory, growth and start against their limits (minutes)
	@PYTHONPATH=tests:scripts $(BIN)/python -m benchmarks $(ARGS)

.PHONY: soak
soak: .venv/ready $(BUILT) ## run the long seeded tests in full (SEED=n selects other examples; minutes)
	@AUDITOR_SOAK=1 $(BIN)/pytest --numprocesses logical --maxprocesses 8 -m "hypothesis or soak" \
		--hypothesis-profile soak --hypothesis-seed $(SEED) $(ARGS)

.PHONY: mutate
mutate: .venv/ready ## run mutation tests of domain and controls; list the changes that no unit test detects (an hour)
	@$(BIN)/python scripts/mutation.py $(ARGS)

.PHONY: lock
lock: .tools/ready ## update uv.lock, without the names of registries
	@$(WITH_INDEX) $(UV) lock --python "$$($(FIND_PYTHON))" $(LOCK)
	@$(WITH_INDEX) for tool in aws-sam-cli:sam checkov:checkov; do echo "$${tool%:*}" | $(UV) pip compile --quiet --universal --python-version 3.13 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url $(LOCK) --output-file "scripts/$${tool#*:}.txt" -; done
	@sed -i.bak -E -e 's|url = "https://[^/"]+/packages/|url = "packages/|' -e 's|registry = "https://[^"]+"|registry = "simple"|' uv.lock && rm -f uv.lock.bak

.PHONY: clean
clean: ## remove everything that other targets create
	@rm -rf .venv .tools .aws-sam build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
