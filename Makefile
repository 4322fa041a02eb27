# Needs Python 3.11 or later, and make. Everything is installed into .venv by the first target that needs it.
PYTHON ?= python3
BIN := .venv/bin
# Threads that wait should sleep: on a busy machine, spinning ones make small networks 30 times slower.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: demo test check bench books gallery format clean

demo: .venv/installed
	$(BIN)/stepwell train digits

test: .venv/developer
	$(BIN)/pytest -n 2 --dist loadfile

check: .venv/developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/developer
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/tables.py
	$(BIN)/python benchmarks/images.py
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/soak.py --minutes 10
	$(BIN)/python benchmarks/soak.py --minutes 10 --kill 65

books: .venv/developer
	$(BIN)/python tests/books/table.py

gallery: .venv/developer
	$(BIN)/python docs/gallery.py

format: .venv/developer
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --no-compile --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --no-compile --quiet --disable-pip-version-check -c constraints.txt -e '.[serve]'
	touch $@

.venv/developer: .venv/installed
	$(BIN)/pip install --no-compile --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
