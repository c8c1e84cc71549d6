PYTHON ?= python3
BIN := .venv/bin
# A copy of the tree with compiled modules beside their sources: in the tree itself, they would hide later changes.
COPY := mkdir -p build/compiled && git ls-files | tar -cf - -T - | tar -xf - -C build/compiled
PYTHON_HERE := PYTHONPATH=. $(CURDIR)/$(BIN)/python

.PHONY: help demo test compiled check bench soak fuzz interop format docs lock clean
help: ## Show these targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/run.stamp ## Run the main job on an embedded broker (under a minute, no root, no ports to choose)
	@$(BIN)/banyan demo

test: .venv/dev.stamp ## Run every test; what a test needs (a broker, a server) it starts and stops itself
	@$(BIN)/python -m tests.run

compiled: build/compiled/stamp ## Compile what every call runs through (a C compiler), and run its tests on it
	@$(COPY)
	@cd build/compiled && $(PYTHON_HERE) -m pytest -q -n 2 --dist loadfile tests/conformance/test_http_* tests/conformance/test_facade_* \
	  tests/conformance/test_trace_context.py tests/unit/test_http_* tests/unit/test_facade_* tests/unit/test_decision.py \
	  tests/unit/test_masking.py tests/unit/test_breaker.py tests/unit/test_soap_* tests/integration/test_facade_processes.py

check: .venv/dev.stamp ## Format, lint, both type checkers, import contracts, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory -j 2 -O mypy pyright
	$(BIN)/python -m hub.reference --check

# Side by side, since each has one thread.
.PHONY: mypy pyright
mypy pyright: .venv/dev.stamp
	$(BIN)/$@

bench: .venv/bench.stamp build/compiled/stamp ## Measure beside the peers (ONLY=facade for one part; says what it needs)
	@$(COPY)
	@cd build/compiled && $(PYTHON_HERE) -m bench $(ONLY)

soak: build/compiled/stamp ## Load the façade for an hour (SOAK_SECONDS=180 for less) while rules change and workers die
	@$(COPY)
	@cd build/compiled && $(PYTHON_HERE) -m bench.soak $(SOAK_SECONDS)

fuzz: .venv/dev.stamp ## Damaged files, copybooks and SOAP for five minutes (FUZZ_SECONDS=60 for less, ONLY=soap for a part)
	@$(BIN)/python -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),300) $(foreach part,$(ONLY),--only $(part))

interop: .venv/dev.stamp ## Poll and front live servers of six SOAP stacks (Debian packages of tests/interop/tools), and print what held
	@tests/interop/tools
	@$(BIN)/python -m pytest -q --timeout 600 tests/interop

format: .venv/dev.stamp ## Format, and apply the safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/dev.stamp ## Write the generated reference pages again
	$(BIN)/python -m hub.reference

lock: | .venv/bin/python ## Pin the dependencies again, with hashes and without addresses
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header -c requirements-dev.lock --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header -c requirements-dev.lock --group bench -o requirements-bench.lock

clean: ## Remove the environment and what tools left behind
	rm -rf .venv build .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing the pinned dependencies (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "installing the pinned dependencies and tools (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ .venv/run.stamp

build/compiled/stamp: pyproject.toml $(shell git ls-files contracts observability routers) | .venv/dev.stamp
	@echo "compiling what every call runs through (three minutes)"
	@rm -rf build/compiled && $(COPY)
	@cd build/compiled && HATCH_BUILD_HOOK_ENABLE_MYPYC=1 $(CURDIR)/$(BIN)/python -m pip wheel -q \
	  --disable-pip-version-check --no-deps --no-build-isolation -w ../wheel .
	@touch $@

.venv/bench.stamp: requirements-bench.lock .venv/dev.stamp
	@echo "installing the pinned peers of the benchmarks (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@
