# Touchstone: every command that a developer or operator needs. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
PROFILE_DIR := target/release
# c2pa declares a newer compiler than it needs; older ones build and run it with this flag.
OLD_RUST := $(shell rustc --version 2>/dev/null | awk '{split($$2, v, "."); if (v[1] == 1 && v[2] < 96) print "--ignore-rust-version"}')
FLAGS := --locked $(OLD_RUST)
# Release builds use all that processors since 2013 have, where this one has it, or else what those since 2009 have. The
# results are the same, bit for bit, as long as no dependency that computes pixels fuses multiplications with additions
# where it may: `make test-cpu` holds them against the vectors.
V3 := avx2|bmi1|bmi2|f16c|fma|lzcnt|movbe
HAS_V3 := $(shell rustc --print cfg -C target-cpu=native 2>/dev/null | grep -cE 'target_feature="($(V3))"')
TARGET_CPU := $(if $(filter x86_64,$(shell uname -m)),$(if $(filter 7,$(HAS_V3)),x86-64-v3,x86-64-v2))
RELEASE_ENV := $(if $(TARGET_CPU),RUSTFLAGS="-C target-cpu=$(TARGET_CPU) $(RUSTFLAGS)")
DENY_VERSION := 0.20.2
SCHEMATHESIS_VERSION := 4.32.5
CONTRACT_DIR := target/contract
SCHEMATHESIS := $(CURDIR)/$(CONTRACT_DIR)/bin/schemathesis
# Another reader of C2PA manifests, for the tests.
C2PA_PYTHON := $(CURDIR)/target/c2pa-python/bin/python
C2PA_PYTHON_VERSION := 0.38.1
# Another implementation of S3, for the tests.
S3_DIR := target/s3
S3_SERVER := $(CURDIR)/$(S3_DIR)/bin/moto_server
MOTO_VERSION := 5.2.5

# Another verifier of transparency logs, for the tests; of the version that is measured.
TESSERA_VERSION := $(shell awk '$$1 == "github.com/transparency-dev/tessera" { print substr($$2, 2) }' bench/tessera/go.mod)
TESSERA_FSCK := $(CURDIR)/target/tessera/fsck

# Installs Debian or Ubuntu packages as root, or says which command does it.
define require
	@if ! ( $(1) ) >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing $(2)"; \
	    { apt-get install -y --no-install-recommends $(2) || { apt-get update && apt-get install -y --no-install-recommends $(2); }; } >/dev/null; \
	  else \
	    echo "missing: $(2). Install with: sudo apt-get install $(2)" >&2; exit 1; \
	  fi; \
	fi
endef

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: requirements
requirements:
	@command -v $(CARGO) >/dev/null || { echo "missing: Rust. See https://rustup.rs" >&2; exit 1; }
	$(call require,command -v cc,gcc libc6-dev)
	$(call require,command -v pkg-config,pkg-config)
	$(call require,pkg-config --exists libpq,libpq-dev)

.PHONY: build
build: requirements ## Build touchstone-server and touchstone into target/release
	$(RELEASE_ENV) $(CARGO) build $(FLAGS) --release -p touchstone-server -p touchstone-sdk

.PHONY: run
run: build ## Do the main job on an empty registry, then leave it running (ONCE=1: stop after the job)
	$(RELEASE_ENV) $(CARGO) build $(FLAGS) --release -p touchstone-examples
	$(PROFILE_DIR)/main-job $(if $(filter 1,$(ONCE)),--once,) $(if $(LISTEN),--listen $(LISTEN),)

.PHONY: test-requirements
test-requirements: requirements
	$(call require,command -v initdb || ls /usr/lib/postgresql/*/bin/initdb,postgresql)
	$(call require,command -v exiftool,libimage-exiftool-perl)
	$(call require,command -v strace,strace)
	$(call require,command -v prlimit,util-linux)
	$(call require,command -v go,golang-go)
	$(call require,[ -e /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ],golang-golang-x-mod-dev)
	@[ -x $(C2PA_PYTHON) ] || { python3 -m venv target/c2pa-python && $(C2PA_PYTHON) -m pip install --quiet c2pa-python==$(C2PA_PYTHON_VERSION); } \
	  || { rm -rf target/c2pa-python; echo "c2pa-python cannot be installed (Python with venv, network): manifests are not held against it" >&2; }
	@[ -x $(TESSERA_FSCK) ] || GOBIN=$(dir $(TESSERA_FSCK)) GOTOOLCHAIN=local go install github.com/transparency-dev/tessera/cmd/fsck@v$(TESSERA_VERSION) 2>/dev/null \
	  || echo "the fsck of Tessera cannot be installed (a newer Go, network): the log is not held against it" >&2
	@[ -x $(S3_SERVER) ] || { python3 -m venv $(S3_DIR) && $(S3_DIR)/bin/pip install --quiet --disable-pip-version-check 'moto[server]==$(MOTO_VERSION)'; } \
	  || { rm -rf $(S3_DIR); echo "moto cannot be installed (Python with venv, network): the log is not tried on S3" >&2; }

.PHONY: test
test: test-requirements ## Install what the tests need and run them all
	@if [ -z "$${TOUCHSTONE_CORPUS:-}" ]; then echo "TOUCHSTONE_CORPUS is not set: tests on the photo corpus are skipped"; \
	else $(MAKE) --no-print-directory schemathesis || true; fi
	$(CARGO) build $(FLAGS) --workspace
	if [ -x $(SCHEMATHESIS) ]; then export TOUCHSTONE_SCHEMATHESIS=$(SCHEMATHESIS); fi; \
	if [ -x $(C2PA_PYTHON) ]; then export TOUCHSTONE_C2PA_PYTHON=$(C2PA_PYTHON); fi; \
	if [ -x $(TESSERA_FSCK) ]; then export TOUCHSTONE_TESSERA_FSCK=$(TESSERA_FSCK); fi; \
	if [ -x $(S3_SERVER) ]; then export TOUCHSTONE_S3_SERVER=$(S3_SERVER); fi; \
	$(CARGO) test $(FLAGS) --workspace

ROUNDS ?= 12
.PHONY: faults
faults: test-requirements ## Provoke every fault of the log ROUNDS=12 times; make test does so once
	TOUCHSTONE_FAULT_ROUNDS=$(ROUNDS) $(CARGO) test $(FLAGS) -p touchstone-server --test faults -- --nocapture

# Into a virtual environment below target, so that nothing of the system changes.
.PHONY: schemathesis
schemathesis:
	@if [ ! -x $(SCHEMATHESIS) ]; then \
	  if ! python3 -m venv $(CONTRACT_DIR) >/dev/null 2>&1; then \
	    echo "no contract test: Python cannot make virtual environments. Install with: sudo apt-get install python3-venv" >&2; exit 1; \
	  elif ! $(CONTRACT_DIR)/bin/pip install --quiet --disable-pip-version-check schemathesis==$(SCHEMATHESIS_VERSION); then \
	    echo "no contract test: pip cannot install schemathesis $(SCHEMATHESIS_VERSION)" >&2; exit 1; \
	  fi; \
	fi

.PHONY: test-cpu
test-cpu: requirements ## Test what is computed of pixels as release builds compute it (TARGET_CPU=x86-64-v3)
	$(RELEASE_ENV) $(CARGO) test $(FLAGS) --release -p touchstone-inspect

.PHONY: contract
contract: requirements ## Hold the Soft Binding Resolution API against the C2PA description in TOUCHSTONE_CORPUS
	@if [ -z "$${TOUCHSTONE_CORPUS:-}" ]; then echo "no contract test: TOUCHSTONE_CORPUS is not set" >&2; exit 1; fi
	@$(MAKE) --no-print-directory schemathesis
	TOUCHSTONE_SCHEMATHESIS=$(SCHEMATHESIS) $(CARGO) test $(FLAGS) -p touchstone-server --test api contract -- --nocapture

.PHONY: check
check: requirements deny ## Formatting, lints, dependencies, generated files
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(FLAGS) --workspace --all-targets -- -D warnings
	@$(MAKE) --no-print-directory generate OUT=target/generated >/dev/null
	@for f in openapi/openapi.json docs/verdicts.md docs/problems.md schema/json-schema schema/vectors; do \
	  diff -r "$$f" "target/generated/$$f" >/dev/null || { echo "$$f is out of date: run make generate" >&2; exit 1; }; \
	done; echo "generated files are up to date"

.PHONY: deny
deny:
# Built without optimisation it is there minutes sooner, and takes seconds all the same.
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked --quiet --debug cargo-deny@$(DENY_VERSION) --no-default-features
	$(CARGO) deny --locked --workspace --log-level error check bans licenses sources

OUT ?= .
.PHONY: generate
generate: requirements ## Write the OpenAPI document, JSON Schemas, vectors and generated documentation again
	@mkdir -p $(OUT)/openapi $(OUT)/docs $(OUT)/schema/json-schema $(OUT)/schema/vectors
	$(CARGO) run --quiet $(FLAGS) -p touchstone-schema --example generate -- $(OUT)/schema
	$(CARGO) run --quiet $(FLAGS) -p touchstone-server -- generate $(OUT)

FILES ?= 1000000
FUZZ_SEED ?= 1
.PHONY: fuzz
fuzz: requirements ## Read FILES=1000000 mutated files of each family, or of FAMILY="jpeg png ..."
	FUZZ_FILES=$(FILES) FUZZ_SEED=$(FUZZ_SEED) $(CARGO) run $(FLAGS) -p touchstone-inspect --example fuzz -- $(FAMILY)

.PHONY: bench
bench: build ## Measure and print each figure beside its target
	$(RELEASE_ENV) $(CARGO) build $(FLAGS) --release -p touchstone-bench
	$(PROFILE_DIR)/touchstone-bench measure $(BENCH)

.PHONY: bench-index
bench-index: build ## Measure the search structures alone, beside FAISS
	$(RELEASE_ENV) $(CARGO) build $(FLAGS) --release -p touchstone-bench
	$(PROFILE_DIR)/touchstone-bench index $(BENCH)

SEED ?= 1
ORIGINALS ?= 12
.PHONY: calibrate
calibrate: build ## Measure recognition on PHOTOS=DIR, beside peers, into docs/calibration
	$(RELEASE_ENV) $(CARGO) build $(FLAGS) --release -p touchstone-bench
	$(PROFILE_DIR)/touchstone-bench calibrate $(if $(PHOTOS),--photos $(PHOTOS),) --seed $(SEED) --originals $(ORIGINALS) --out docs/calibration

.PHONY: fmt
fmt: ## Format the code
	$(CARGO) fmt --all

.PHONY: clean
clean: ## Remove what was built and the registry of make run
	$(CARGO) clean
