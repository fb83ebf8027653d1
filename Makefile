# make quickstart   environment, synthetic data, train, test, draw
# make photo        stamps and photographs, clips, train, test, draw
# make test         environment, test suite
# make test-ranks   every small config on two ranks, DDP, FSDP, and a rank that
#                   is killed
# make test-weights   full-size files for each model whose weights go by name
# make test-steps   a training step of every method in half precision and in parts
# make test-trajectories   training steps against the released code's
# make test-pairs   every pair of tools/test.py's options, model and data set
# make test-export   every method as ONNX, torch.export and by torch.compile
# make test-no-torch   an exported model on a video, in an environment of its own
# make benchmark-compile   PyTorch, ONNX Runtime and torch.compile (needs g++;
#                   minutes per model)
# make test-page    the web page in headless Chromium (which is to be there)
# make fuzz         damaged and hostile files through every door
# make soak         2,000 iterations, and 5 minutes of video: memory stays
# make results      what the methods learn: MS3, one seed, two cores
# make results-full every table of docs/en/results.md, every seed (a GPU)
# make gpu-test     tests that need a GPU
# make gpu-benchmark   kernels, CUDA graphs, precisions, steps on the GPU here
# make docs         the documentation, in docs/en/_build/html
#
# make test-full-mmcv, test-onedl, test-oldest-torch: the suite on another
# stack, each in an environment of its own (docs/en/compatibility.md)
#
# PYTHON=python3.12  interpreter for the environment
# TORCH=2.4.1        PyTorch version (torchaudio and torchvision follow it)
# PHOTO_ARGS="--stamps DIR --backgrounds DIR --epochs 12"
# VENV=/some/where   where the environment goes
# JOBS=14            runs at a time of make results-full

PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH ?= 2.11.0
VENV ?= .venv
JOBS ?= 1
MMCV ?= lite

BIN := $(VENV)/bin
STAMP := $(VENV)/.ready-$(TORCH)-$(MMCV)
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

ifeq ($(MMCV),onedl)
# by name: the package itself asks for OpenMMLab's mmengine and mmseg, which
# install the same import names
INSTALL = $(PIP) -r requirements/onedl.txt -r requirements/runtime.txt \
	-r requirements/tests.txt && $(PIP) --no-build-isolation --no-deps -e .
else
INSTALL = $(PIP) --no-build-isolation -e ".[$(MMCV),tests]"
endif

# what is marked slow as well
RANK_TESTS = tests/test_training_on_ranks.py tests/test_killed_rank.py \
	tests/test_strategies.py tests/test_compat/test_sharding.py \
	tests/test_tools/test_distributed.py \
	tests/test_tools/test_benchmark_scaling.py
# one full-size model of each method that a CUDA graph can hold, and the others
GPU_CONFIGS = tpavi/tpavi_pvt_ms3 avsbg/avsbg_pvt_ms3 \
	avsegformer/avsegformer_pvt_ms3 avsac/avsac_pvt_ms3 catr/catr_pvt_ms3
UNGRAPHED = avis/avis_pvt_ms3_stage1 avis/avis_pvt_ms3 \
	auralsam2/auralsam2_hiera-t_ms3

.PHONY: quickstart photo test test-ranks test-steps test-weights test-pairs test-trajectories test-export test-no-torch benchmark-compile test-page fuzz soak test-full-mmcv test-onedl test-oldest-torch gpu-test gpu-benchmark lint results results-full docs clean env

env: $(STAMP)

$(STAMP): setup.py $(wildcard requirements/*.txt)
	@echo "[1/4] virtual environment in $(VENV) ($(PYTHON))"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip wheel "setuptools<82"
	@echo "[2/4] PyTorch $(TORCH) (the large download)"
	@$(PIP) torch==$(TORCH) torchaudio==$(TORCH) torchvision
	@echo "[3/4] mmavs with mmcv: $(MMCV)"
	@$(INSTALL)
	@echo "[4/4] OpenCV without its window system (needs no libGL)"
	@$(BIN)/python -m pip uninstall --quiet --yes opencv-python opencv-python-headless
	@$(PIP) opencv-python-headless
	@rm -f $(VENV)/.ready-*
	@touch $@

quickstart: $(STAMP)
	@$(BIN)/python tools/quickstart.py

photo: $(STAMP)
	@$(PIP) -r requirements/photo.txt
	@$(BIN)/python tools/photo.py $(PHOTO_ARGS)

# by as many processes as there are processors; a part by hand needs one:
# python -m pytest tests/test_audio
test: $(STAMP)
	@$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal

test-ranks: $(STAMP)
	@$(BIN)/python -m pytest -m "" $(RANK_TESTS)

test-weights: $(STAMP)
	@$(BIN)/python -m pytest -m slow tests/test_weights/test_full_size.py

test-steps: $(STAMP)
	@$(BIN)/python -m pytest -m "" tests/test_models/test_training_steps.py

test-trajectories: $(STAMP)
	@$(BIN)/python -m pytest -m "" tests/test_trajectories.py \
		tests/test_models/test_auralsam2_golden.py

test-pairs: $(STAMP)
	@$(BIN)/python -m pytest -m slow tests/test_tools/test_option_pairs.py

test-export: $(STAMP)
	@$(BIN)/python -m pytest -m "" tests/test_deployment \
		tests/test_models/test_segmentors/test_compile.py

# neither PyTorch nor OpenMMLab nor OpenCV
test-no-torch: $(STAMP)
	@$(BIN)/python tools/deployment/export.py film_tiny_ms3_96px --log-mel \
		--out work_dirs/no_torch/film.onnx --overwrite
	@$(PYTHON) -m venv --clear .venv-onnx
	@.venv-onnx/bin/python -m pip install --quiet --no-deps .
	@.venv-onnx/bin/python -m pip install --quiet -r requirements/onnx.txt
	@cd work_dirs/no_torch && ../../.venv-onnx/bin/mmavs video --example \
		film.onnx --json found.json --out-video overlay.mp4 --overwrite

benchmark-compile: $(STAMP)
	@$(BIN)/python tools/deployment/benchmark.py --compile $(addsuffix \
		_tiny_ms3, film tpavi add nosound avsbg avsegformer avsac avis catr \
		auralsam2)

test-page: $(STAMP)
	@$(PIP) -r requirements/demo.txt playwright
	@$(BIN)/python -m pytest -m slow -rs tests/test_web

fuzz: $(STAMP)
	@$(BIN)/python tests/fuzz/run.py

soak: $(STAMP)
	@$(BIN)/python tests/soak/soak_training.py
	@$(BIN)/python tests/soak/soak_video.py

gpu-test: $(STAMP)
	@$(BIN)/python -m pytest -m gpu

gpu-benchmark: $(STAMP)
	@$(BIN)/python tools/analysis_tools/benchmark_gpu.py \
		$(GPU_CONFIGS:%=configs/%.py)
	@for config in $(GPU_CONFIGS) $(UNGRAPHED); do \
	for precision in fp32 bf16 fp16; do \
		$(BIN)/python tools/analysis_tools/benchmark.py configs/$$config.py \
			--device cuda --precision $$precision --train-clips 1 \
			--train-repeats 10 --stages forward training || exit 1; \
	done; done

# compiles mmcv 2.1.0 once, in an environment of its own
test-full-mmcv:
	@$(MAKE) test VENV=.venv-full MMCV=full

# the maintained forks of OpenMMLab's packages, in an environment of their own
test-onedl:
	@$(MAKE) test VENV=.venv-onedl MMCV=onedl

# the oldest PyTorch that is declared
test-oldest-torch:
	@$(MAKE) test VENV=.venv-oldest TORCH=2.4.1

results: $(STAMP)
	@$(BIN)/python tools/analysis_tools/results.py ms3 --seeds 0 --jobs 2

results-full: $(STAMP)
	@$(BIN)/python tools/analysis_tools/results.py --jobs $(JOBS)

docs: $(STAMP)
	@$(PIP) -r requirements/docs.txt
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs/en docs/en/_build/html

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

clean:
	rm -rf build dist *.egg-info mmavs/.mim
