# make quickstart   environment, synthetic data, train, test, draw
# make test         environment, test suite
#
# PYTHON=python3.12  interpreter for the environment
# TORCH=2.4.1        PyTorch version (torchaudio and torchvision follow it)
# VENV=/some/where   where the environment goes

PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH ?= 2.11.0
VENV ?= .venv
MMCV ?= lite

BIN := $(VENV)/bin
STAMP := $(VENV)/.ready-$(TORCH)-$(MMCV)
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: quickstart test test-full-mmcv gpu-test lint docs clean env

env: $(STAMP)

$(STAMP): setup.py $(wildcard requirements/*.txt)
	@echo "[1/4] virtual environment in $(VENV) ($(PYTHON))"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip wheel "setuptools<82"
	@echo "[2/4] PyTorch $(TORCH) (the large download)"
	@$(PIP) torch==$(TORCH) torchaudio==$(TORCH) torchvision
	@echo "[3/4] mmavs with mmcv-$(MMCV)"
	@$(PIP) --no-build-isolation -e ".[$(MMCV),tests]"
	@echo "[4/4] OpenCV without its window system (needs no libGL)"
	@$(BIN)/python -m pip uninstall --quiet --yes opencv-python opencv-python-headless
	@$(PIP) opencv-python-headless
	@rm -f $(VENV)/.ready-*
	@touch $@

quickstart: $(STAMP)
	@$(BIN)/python tools/quickstart.py

test: $(STAMP)
	@$(BIN)/python -m pytest

gpu-test: $(STAMP)
	@$(BIN)/python -m pytest -m gpu

# compiles mmcv 2.1.0 once, in an environment of its own
test-full-mmcv:
	@$(MAKE) test VENV=.venv-full MMCV=full

docs: $(STAMP)
	@$(PIP) -r requirements/docs.txt
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs/en docs/en/_build/html

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

clean:
	rm -rf build dist *.egg-info mmavs/.mim
