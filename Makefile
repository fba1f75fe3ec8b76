# Two commands do everything: `make course` and `make test`. Both set up what they need first.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
CLASSROOM := .venv/ready-classroom
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

.PHONY: course test lab race data

course: $(READY)
	@$(BIN)/course run

test: $(CLASSROOM)
	@$(BIN)/course test

lab: data
	@$(BIN)/course lab

race: $(READY)
	@$(BIN)/course race

data: $(READY)
	@$(BIN)/course data

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else \
	'The course needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 course')"
	$(PYTHON) -m venv .venv
	$(INSTALL) '.[test]'
	@touch $(READY)

# The tests also hand a lesson through nbgrader, which a learner does not need.
$(CLASSROOM): $(READY)
	$(INSTALL) '.[test,teach]'
	@touch $(CLASSROOM)
