# One command a wish; `make` alone lists them. The first one sets up .venv from pinned versions.

PYTHON ?= python3
RUN := .venv/bin/python
TORCH := 2.13.0

# Parallel over processes, one thread each: two busy threads a core cost more than they give.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export OMP_WAIT_POLICY := PASSIVE

.PHONY: help setup scenario list report compare export checkpoint audit calibrate test bench census lint clean
.DEFAULT_GOAL := help

help:
	@echo 'make list                              the scenarios and their questions'
	@echo 'make scenario NAME=bubble_late_only    run one; results and page in reports/NAME'
	@echo '     PRESET=smoke                      in seconds, to see that it runs'
	@echo '     SEEDS=3 WORKERS=2                 number of worlds; processes (one a core)'
	@echo '     WORLD=folder LENIENT=1            a world fitted to data; bad rows of it dropped and counted'
	@echo '     SET="base.world.users=5000 ..."   any field of the scenario'
	@echo '     DEVICE=cuda                       train models on a GPU'
	@echo '     FRESH=1                           build everything anew'
	@echo '     EXECUTOR=dask SCHEDULER=tcp://... on a Dask cluster'
	@echo 'make report NAME=bubble_late_only      build the page of stored results again'
	@echo 'make compare A=before B=after          two finished runs side by side, in reports/A.vs.B'
	@echo 'make export NAME=bubble_late_only      the stage logs of an arm, in exports/NAME/ARM/seed0'
	@echo '     ARM=both SEED=1 REQUESTS=10000    whose, in which world, how many (those of the scenario)'
	@echo '     FORMAT=recflow OUT=<folder>       layout of the files; where to write'
	@echo 'make checkpoint NAME=surface_unified SURFACE=search   the part of a ranker that serves one surface'
	@echo '     ARM=trees SEED=1 STAGE=late       whose, in which world, of which stage (the proposal, 0, late)'
	@echo '     ONNX=1 OUT=<folder>               as an ONNX file, too; where to write'
	@echo 'make audit LOGS=folder                 what the stage logs of a real funnel tell; docs/audit.md'
	@echo '     NAME=march LENIENT=1              name of the results; drop bad rows and count them'
	@echo 'make calibrate TARGETS=file.toml        a base that measures what a real funnel does; docs/calibrate.md'
	@echo 'make test                              all tests'
	@echo 'make bench                             speed, each number beside its floor'
	@echo 'make census                            AUC of every architecture on a public data set'
	@echo 'make lint                              ruff and mypy'
	@echo 'make clean                             delete data/ and reports/, but not .venv'
	@echo 'make setup                             only set up .venv (every other command does, too)'

setup: .venv/stamp

# The stamp comes last, so a set-up that failed is done again.
.venv/stamp: pyproject.toml constraints.txt
	@echo 'Setting up .venv (once, some minutes) ...'
	@rm -f $@
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed. Found " + sys.version.split()[0] + \
	    ". Say which: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@test -x $(RUN) || $(PYTHON) -m venv .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check torch==$(TORCH)
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,surgery,data,calibrate,onnx]'
	@touch $@

# What only the benchmarks need: a peer to race.
.venv/bench-stamp: .venv/stamp
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@

scenario: .venv/stamp
	@test -n '$(NAME)' || { echo 'Say which: make scenario NAME=bubble_late_only (make list shows all)' >&2; exit 2; }
	@$(RUN) -m funnel run $(NAME) \
	    $(if $(SEEDS),--seeds $(SEEDS)) $(if $(PRESET),--preset $(PRESET)) $(if $(WORKERS),--workers $(WORKERS)) \
	    $(if $(EXECUTOR),--executor $(EXECUTOR)) $(if $(SCHEDULER),--scheduler $(SCHEDULER)) \
	    $(if $(WORLD),--world '$(WORLD)') $(if $(filter-out 0,$(LENIENT)),--lenient) \
	    $(if $(DEVICE),--device $(DEVICE)) $(if $(filter-out 0,$(FRESH)),--fresh) $(foreach field,$(SET),--set '$(field)')

list: .venv/stamp
	@$(RUN) -m funnel list

report: .venv/stamp
	@test -n '$(NAME)' || { echo 'Say which: make report NAME=bubble_late_only' >&2; exit 2; }
	@$(RUN) -m funnel report $(NAME)

compare: .venv/stamp
	@test -n '$(A)' -a -n '$(B)' || { echo 'Say which two: make compare A=quickstart B=bubble_late_only' >&2; exit 2; }
	@$(RUN) -m funnel compare $(A) $(B)

export: .venv/stamp
	@test -n '$(NAME)' || { echo 'Say which: make export NAME=bubble_late_only' >&2; exit 2; }
	@$(RUN) -m funnel export $(NAME) \
	    $(if $(FORMAT),--format $(FORMAT)) $(if $(ARM),--arm $(ARM)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(PRESET),--preset $(PRESET)) $(if $(DEVICE),--device $(DEVICE)) \
	    $(if $(WORLD),--world '$(WORLD)') $(if $(filter-out 0,$(LENIENT)),--lenient) $(if $(OUT),--out '$(OUT)') \
	    $(foreach field,$(SET),--set '$(field)')

checkpoint: .venv/stamp
	@test -n '$(NAME)' -a -n '$(SURFACE)' || { \
	    echo 'Say which: make checkpoint NAME=surface_unified SURFACE=search' >&2; exit 2; }
	@$(RUN) -m funnel checkpoint $(NAME) --surface $(SURFACE) \
	    $(if $(ARM),--arm $(ARM)) $(if $(STAGE),--stage $(STAGE)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(filter-out 0,$(ONNX)),--onnx) $(if $(PRESET),--preset $(PRESET)) $(if $(DEVICE),--device $(DEVICE)) \
	    $(if $(OUT),--out '$(OUT)') $(foreach field,$(SET),--set '$(field)')

audit: .venv/stamp
	@test -n '$(LOGS)' || { echo 'Say which: make audit LOGS=folder' >&2; exit 2; }
	@$(RUN) -m funnel audit '$(LOGS)' $(if $(NAME),--name '$(NAME)') $(if $(filter-out 0,$(LENIENT)),--lenient)

calibrate: .venv/stamp
	@test -n '$(TARGETS)' || { echo 'Say which: make calibrate TARGETS=targets/recflow_eighth.toml' >&2; exit 2; }
	@$(RUN) -m funnel calibrate '$(TARGETS)' \
	    $(if $(TRIALS),--trials $(TRIALS)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(DEVICE),--device $(DEVICE))

test: .venv/stamp
	@$(RUN) -m pytest -q -n 2

bench: .venv/bench-stamp
	@$(RUN) -m benchmarks

census: .venv/stamp
	@$(RUN) -m benchmarks.census $(FOLDER)

lint: .venv/stamp
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check --quiet .
	@$(RUN) -m mypy

clean:
	@find data reports -mindepth 1 -maxdepth 1 ! -name README.md ! -name sample -exec rm -rf {} +
	@rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage
