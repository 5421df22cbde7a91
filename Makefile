# 'make demo' and 'make test' are all the set-up there is: each makes .venv first.

BIN := .venv/bin

DATA :=
WORKERS := 2
PICTURES := roi decomposition curves
SPREAD := -n $(WORKERS) --dist loadfile
RETAIL := data/sources/online_retail.parquet

# Two workers fill the cores already, as a command does by itself.
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help demo online-retail docs test test-slow pictures coverage lint format bench bench-spark clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

.venv/ready: setup.cfg constraints.txt scripts/bootstrap
	@scripts/bootstrap

demo: .venv/ready ## the whole path on generated transactions
	@$(BIN)/mmm-bayes demo

online-retail: .venv/ready ## the report of the real Online Retail data, downloaded first, or taken from DATA=path
	@test -n "$(DATA)" || $(BIN)/python scripts/download_data.py
	@$(BIN)/mmm-bayes run config/online_retail.yaml --data "$(or $(DATA),$(RETAIL))"
	@$(BIN)/python -m webbrowser "file://$(CURDIR)/reports/online_retail/report.html"

test: .venv/ready ## the default tests, about ten minutes on two cores
	@$(BIN)/python -m pytest $(SPREAD)

test-slow: .venv/ready ## the tests that take minutes each
	@$(BIN)/python -m pytest -x -m slow

coverage: .venv/ready ## the default tests, with the share of each module's lines that they run
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(SPREAD)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

docs: .venv/ready ## the documentation, to build/docs; a warning is an error
	@$(BIN)/mkdocs build --strict

pictures: .venv/ready ## the figures of README and docs/, from the demo
	@$(BIN)/mmm-bayes demo --output build/demo
	@cp $(PICTURES:%=build/demo/reports/demo/figures/%.svg) docs/figures/

lint: .venv/ready ## style, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: .venv/ready ## put the code in its standard form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/ready ## wall time and memory of each command, the allocator on hard cases, first fits
	@$(BIN)/python scripts/benchmark.py
	@echo
	@$(BIN)/python scripts/benchmark_allocator.py
	@echo
	@$(BIN)/python scripts/benchmark_shapes.py
	@echo
	@$(BIN)/python scripts/benchmark_shapes.py --geos 1

bench-spark: .venv/ready ## what millions of transaction lines cost, beside bare jobs
	@$(BIN)/python scripts/benchmark_spark.py

clean: ## remove .venv and caches, keep data and reports
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage* build *.egg-info
	find mmm_bayes tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
