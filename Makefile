# checkpoint-gateway: `make` lists the targets.

VENV    := .venv
PYTHON  := $(VENV)/bin/python
PIP     := $(PYTHON) -m pip --disable-pip-version-check
STAMPS  := $(VENV)/stamps
SCHEMA  := config/checkpoint-gateway.schema.json
ARGS    :=
REPORT  := build/faults.md
# The Python that runs what is installed.
PYTHON3 ?= /usr/bin/python3

.DEFAULT_GOAL := help
.PHONY: help setup install uninstall deb run test faults bench check fmt schema lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

setup: $(STAMPS)/demo $(STAMPS)/dev $(STAMPS)/test-tools ## install everything into .venv

install: ## install on this machine, or a newer version over it (root)
	@python=$(PYTHON3); $(find_missing); \
	command -v systemd-sysusers >/dev/null || missing="$${missing:+$$missing }systemd"; \
	$(install_missing)
	@PYTHON3=$(PYTHON3) deploy/install

uninstall: ## remove it, and ask whether its data goes, too; PURGE=yes or no to answer
	@deploy/uninstall

deb: ## make a Debian package of it in dist/, with all it needs from elsewhere
	@python=$(PYTHON3); $(find_missing); $(install_missing)
	@PYTHON3=$(PYTHON3) deploy/deb

run: $(STAMPS)/demo ## show the whole gateway at work; make run ARGS="--seconds 60"
	@$(VENV)/bin/checkpoint-gateway demo $(ARGS)

# Most tests wait for something, so more processes than cores; a file's tests stay together.
test: $(STAMPS)/dev $(STAMPS)/test-tools ## run the tests; make test ARGS="-k config"
	$(PYTHON) -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(STAMPS)/dev $(STAMPS)/test-tools ## the whole fault laboratory; the table goes to REPORT=build/faults.md, too (needs root)
	$(PYTHON) -m pytest -q -m long --ignore=tests/faults
	$(PYTHON) -m pytest -m 'long or not long' --fault-report=$(REPORT) tests/faults $(ARGS)

bench: $(STAMPS)/dev $(STAMPS)/test-tools ## measure, each figure beside its limit; ARGS="--quick --photos DIR"
	$(PYTHON) -m tests.bench $(ARGS)

check: $(STAMPS)/dev ## formatting, lint, types and the architecture
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest -q tests/test_architecture.py

fmt: $(STAMPS)/dev ## format the code
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

schema: $(STAMPS)/dev ## write the configuration's JSON Schema anew
	$(PYTHON) -m gateway.configfile.schema > $(SCHEMA).new
	@mv $(SCHEMA).new $(SCHEMA)

lock: $(STAMPS)/dev ## pin the newest allowed version of everything that a box needs
	$(PYTHON) deploy/lock.py

clean: ## remove what these targets made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is a step that is done; it is done again when what it depends on is newer.

$(STAMPS)/dev: pyproject.toml $(STAMPS)/demo
	$(PIP) install --quiet --editable '.[demo,dev]'
	@touch $@

$(STAMPS)/demo: pyproject.toml $(STAMPS)/venv
	$(PIP) install --quiet --editable '.[demo]'
	@touch $@

$(STAMPS)/venv:
	@python=python3; $(find_missing); $(install_missing)
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "this is $$(python3 -V), but 3.11 or later is needed (Debian 12 has it)"; exit 1; }
	python3 -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test-tools: $(STAMPS)/venv
	@missing=; export PATH="$$PATH:/usr/sbin:/sbin"; \
	for need in mosquitto:mosquitto faketime:faketime fusermount3:fuse3 mkfs.ext4:e2fsprogs \
	    mkfs.xfs:xfsprogs mkfs.exfat:exfatprogs mount.exfat-fuse:exfat-fuse chromium:chromium \
	    lighttpd:lighttpd shellcheck:shellcheck mandoc:mandoc man:man-db \
	    systemd-sysusers:systemd debootstrap:debootstrap aplay:alsa-utils; do \
	  command -v "$${need%:*}" >/dev/null || missing="$${missing:+$$missing }$${need#*:}"; \
	done; \
	[ -e $(HAN_FONT) ] || missing="$${missing:+$$missing }fonts-droid-fallback"; \
	$(install_missing)
	@touch $@

HAN_FONT := /usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf

define find_missing
missing=; \
$$python -c 'import ensurepip' 2>/dev/null || missing='python3 python3-venv'; \
$$python -c $(find_zbar) 2>/dev/null || missing="$${missing:+$$missing }libzbar0"
endef

find_zbar := 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library("zbar"))'

define install_missing
if [ -n "$$missing" ]; then \
  if [ "$$(id -u)" = 0 ]; then root=env; \
  elif sudo -n true 2>/dev/null; then root='sudo -n env'; \
  else echo 'Debian packages are missing. Type this line, then make again:'; \
    echo "  sudo apt-get update && sudo apt-get install $$missing"; exit 1; \
  fi; \
  echo "installing $$missing"; \
  $$root apt-get -qq update && \
  $$root DEBIAN_FRONTEND=noninteractive apt-get -qq --no-install-recommends install $$missing; \
fi
endef
