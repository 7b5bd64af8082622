# Each target makes the virtual environment first if it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= runs/demo
DATA ?= mnist

.PHONY: demo test slow lint bench quality docs clean
demo: $(READY)
	$(BIN)/python examples/images.py --out $(OUT)

test: $(READY)
	$(BIN)/python -m pytest -n auto

slow: $(READY)
	$(BIN)/python -m pytest -m slow

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(READY)
	bench/run

# An hour and more; DATA is a folder with the four idx files of MNIST.
quality: $(READY)
	bench/run quality --data $(DATA)

docs: $(READY)
	$(BIN)/python -m pytest tests/test_docs.py

clean:
	rm -rf $(VENV) bench/.venv* bench/.cache build dist src/*.egg-info

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	touch $@
