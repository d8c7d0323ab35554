# Needs Python >= 3.11 and make; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# One thread per process: on two shared cores more threads are slower.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: help bench demo test test-all test-web test-boris check docs fuzz kill lint types weights wheel clean

help:
	@echo "make demo      find a synthetic smile in a video and write a report (a few minutes the first time)"
	@echo "make test      run the tests"
	@echo "make test-all  run the tests and the slow ones"
	@echo "make test-web  open every page in a real browser (Debian's package chromium)"
	@echo "make test-boris lets BORIS itself read a project (installs it into build/boris)"
	@echo "make docs      build the pages of docs as a site, build/site, without network"
	@echo "make check     format, lint, types, tests: what CI runs"
	@echo "make fuzz      damage inputs of every reader (FUZZ_INPUTS=20000 FUZZ_SEED=0); resumes"
	@echo "make kill      kill -9 commands that resume at KILL_MOMENTS=10 moments each, and start them again"
	@echo "make bench     measure what an analysis costs, part by part, and write the page"
	@echo "make weights   export and calibrate the shipped weights for installations without torch"
	@echo "make wheel     build sdist, from it the wheel, and try its demo in a fresh environment, without torch"
	@echo "make clean     remove the environment and everything built"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "hmrm needs Python >= 3.11, this is " + sys.version.split()[0] + "; name another with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

# The stamps hold what was installed, so that a second call installs nothing.
$(VENV)/.run-installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.dev-installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e '.[torch,research,cluster,dev]'
	@touch $@ $(VENV)/.run-installed

demo: $(VENV)/.run-installed
	$(BIN)/hmrm demo -o demo
	@echo "Next, in each new terminal: source .venv/bin/activate; then: hmrm analyze demo/demo.mp4 -o results"

test: $(VENV)/.dev-installed
	$(BIN)/pytest -n 2 --dist loadfile -q

test-all: test
	$(BIN)/pytest -n 2 --dist loadfile -q -m slow

test-web: $(VENV)/.dev-installed
	@command -v chromium chromium-browser google-chrome >/dev/null || { echo "no browser found; install one: apt-get install chromium"; exit 1; }
	$(BIN)/pytest -q -m web tests/web

# BORIS needs Qt and other versions than ours: an environment of its own.
build/boris/.installed:
	$(PYTHON) -m venv build/boris
	build/boris/bin/python -m pip --disable-pip-version-check install boris-behav-obs==8.27.4
	@touch $@

test-boris: $(VENV)/.dev-installed build/boris/.installed
	HMRM_BORIS_PYTHON=$(CURDIR)/build/boris/bin/python $(BIN)/pytest -q -m slow tests/analysis/test_exports_for_annotators.py

lint: $(VENV)/.dev-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev-installed
	$(BIN)/mypy

check: lint types test

$(VENV)/.docs-installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e '.[docs]'
	@touch $@ $(VENV)/.run-installed

# Strict: a link, an anchor or a name of the interface that leads nowhere ends it.
docs: $(VENV)/.docs-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	! grep -rlE '(src|url)(="|\()https?://' build/site --include=*.html

FUZZ_INPUTS ?= 20000
FUZZ_SEED ?= 0

fuzz: $(VENV)/.dev-installed
	$(BIN)/python -m fuzz --inputs $(FUZZ_INPUTS) --seed $(FUZZ_SEED) -o build/fuzz
	$(BIN)/python -m fuzz.uploads --seed $(FUZZ_SEED)

KILL_MOMENTS ?= 10

kill: $(VENV)/.dev-installed
	$(BIN)/python -m fuzz.kill --moments $(KILL_MOMENTS) -o build/kill

bench: $(VENV)/.dev-installed
	$(BIN)/python -m benchmarks.speed

# The same bytes each time; a test fails where ONNX or calibration are not those of the tensors.
weights: $(VENV)/.dev-installed
	$(BIN)/hmrm weights export mtcnn hmrm-synthetic hmrm-composite
	$(BIN)/hmrm weights calibrate hmrm-synthetic --run results/hmrm-synthetic-zero-shot
	$(BIN)/hmrm weights calibrate hmrm-composite --run results/hmrm-frozen-linear

wheel: $(VENV)/.dev-installed
	rm -rf dist build/wheel-trial
	$(BIN)/python -m build
	$(PYTHON) -m venv build/wheel-trial
	build/wheel-trial/bin/python -m pip --disable-pip-version-check install -c constraints.txt "$$(ls dist/*.whl)"
	! build/wheel-trial/bin/python -c "import torch" 2>/dev/null
	cd build && wheel-trial/bin/hmrm demo -o wheel-demo

clean:
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
