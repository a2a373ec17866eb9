# Every target sets up .venv by itself. Start with `make site`, then open _site/index.html.

# One BLAS thread: the file says why. Quarto and publish read it too.
include _environment
export OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS

# Every kernel and every worker of the tests would otherwise compile what it imports anew, which takes seconds each.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
SITE   ?= _site
PIP    := .venv/bin/pip --disable-pip-version-check -qq install --no-compile -c constraints.txt

.PHONY: help site test check preview bench quarto clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

site: .venv/ready ## Render the site into _site/
	@.venv/bin/python -m publish site $(ARGS)

test: .venv/ready ## Run every test that needs no browser
	@.venv/bin/python -m pytest -q -n auto --dist worksteal $(ARGS)

check: .venv/ready node_modules/.package-lock.json ## Check the rendered site: make check [SITE=folder]
	@.venv/bin/python -m publish check $(SITE) $(ARGS)

preview: .venv/ready ## Show the site at a local address, and render again on each change
	@.venv/bin/python -m publish preview $(ARGS)

bench: .venv/bench ## Time nnlib beside scikit-learn, PyTorch and JAX
	@.venv/bin/python -m benchmarks $(ARGS)

quarto: .venv/ready ## Install Quarto into .venv, where its release can be downloaded
	@$(PIP) quarto-cli && .venv/bin/quarto --version || { \
	  echo "Quarto could not be installed: its release is downloaded from GitHub." >&2; \
	  echo "make site works without it. Or install Quarto 1.7 or newer by other means, on the PATH." >&2; exit 1; }

clean: ## Remove the site and the caches; .venv stays
	rm -rf _site .build .quarto .pytest_cache .hypothesis

.venv/ready: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { \
	  echo "Python 3.11 or newer is needed, and there is no $(PYTHON) on the PATH." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Setting up .venv with the pinned packages (once; a minute or two) ..."
	@$(PYTHON) -m venv --clear .venv
	@# The pip that comes with Python 3.11 takes twice as long.
	@.venv/bin/python -m pip --disable-pip-version-check -qq install --upgrade pip || \
	  echo "pip could not be renewed (its message is above); going on with the old one." >&2
	@$(PIP) -e '.[site,test,check]' || { \
	  echo "Set-up failed: pip could not install the packages. Its message is above." >&2; exit 1; }
	@touch $@

# The HTML validator and the accessibility rules; they need Java and Chromium to run.
node_modules/.package-lock.json: package.json package-lock.json
	@command -v npm >/dev/null || { \
	  echo "make check needs npm, Java and Chromium. On Debian and Ubuntu: apt install npm default-jre-headless chromium" >&2; exit 1; }
	@npm ci --loglevel=error --no-fund --no-audit >/dev/null || { \
	  echo "npm could not install the checkers; its message is above." >&2; exit 1; }
	@touch $@

.venv/bench: .venv/ready
	@echo "Adding PyTorch and JAX to .venv (once; a large download) ..."
	@$(PIP) -e '.[bench]'
	@touch $@
