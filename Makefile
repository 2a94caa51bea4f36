# Lossary. `make` lists what there is to make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Where `make bench` measures: cpu, or cuda.
DEVICE ?= cpu
RESULTS := benchmarks/results

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check certificate bench speed-page explain-pages clean

help: ## Say what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	@echo "==> Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Lossary needs Python 3.11 or later; name one: make PYTHON=python3.11 ..."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "==> Installing torch 2.13.0 (the largest part; a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@echo "==> Installing Lossary and its tools, at the versions of constraints.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  --no-build-isolation --editable '.[dev]'
	@touch $@

demo: $(READY) ## Set up, then walk through the losses on real data (lossary tour)
	@$(BIN)/lossary tour

test: check ## Set up, then check the code and run all tests
	@echo "==> Tests"
	@$(BIN)/python -m pytest -n 2 -m "not slow" -q

test-slow: $(READY) ## The longer proof: every grid, inductor, large inputs
	@$(BIN)/python -m pytest -n 2 -m slow -q

check: $(READY) ## Lint, types, import directions, doctests
	@BIN=$(BIN) tools/check

certificate: $(READY) ## Measure every loss against arbitrary precision: docs/accuracy.md
	@$(BIN)/python tools/certificate.py

bench: $(READY) ## Time and memory beside torch's and the floor: benchmarks/results, docs/speed.md
	@$(BIN)/lossary bench --device $(DEVICE) --csv $(RESULTS)/vocabulary_$(DEVICE).csv
	@$(BIN)/lossary bench --device $(DEVICE) --suite shapes --csv $(RESULTS)/shapes_$(DEVICE).csv
	@$(BIN)/lossary bench --device $(DEVICE) --suite scale --csv $(RESULTS)/scale_$(DEVICE).csv
	@test $(DEVICE) != cpu || $(BIN)/python benchmarks/losses.py --csv $(RESULTS)/losses_cpu.csv
	@test $(DEVICE) = cpu || $(BIN)/python benchmarks/language_models.py --csv $(RESULTS)/language_models_cuda.csv
	@$(MAKE) --no-print-directory speed-page

speed-page: $(READY) ## docs/speed.md and its figures, from benchmarks/results
	@$(BIN)/python tools/speed_page.py

explain-pages: $(READY) ## What README, docs and notebook show of explanations
	@$(BIN)/python tools/explain_pages.py

clean: ## Remove the environment and every cache
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -prune -exec rm -rf {} +
	find src -name '*.nb[ci]' -delete
