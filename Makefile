# What a person who builds, runs or tests Pierhead types. CONTRIBUTING.md says more about each.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

TARGET := $(or $(CARGO_TARGET_DIR),target)
TOOLS := $(shell scripts/install-tools --path)
export PATH := $(TOOLS):$(PATH)

.PHONY: build dev run test test-long bench lint fmt fmt-check clippy deny docs tools help

build: ## the release binary, at $CARGO_TARGET_DIR or target, /release/pierhead
	cargo build --release --locked -p pierhead
	@echo "$(TARGET)/release/pierhead"

run: build ## build, then start the embedded default on http://127.0.0.1:8080
	"$(TARGET)/release/pierhead" serve

tools: ## what the tests and the benchmark drive (Debian packages, PyPI, go install)
	scripts/install-tools

# The same selection of packages and targets as the test run, so that nothing is built twice.
dev: ## the development binary and every test
	cargo build --workspace --locked --bins --tests

test: tools lint dev ## every check, then unit, integration, real-client and conformance tests
	cargo test --workspace --locked --quiet --doc
	PROPTEST_RNG_SEED=1 cargo nextest run --workspace --locked

test-long: tools dev ## the same tests with more crash rounds, more property cases, a minute of fuzzing per parser, and schemathesis
	scripts/fuzz
	PIERHEAD_CRASH_ROUNDS=1500 PROPTEST_CASES=20000 \
		cargo nextest run --workspace --locked --profile long --run-ignored all

bench: tools ## compare with every other registry that is installed; prints one table
	@if [[ -x bench/run ]]; then exec bench/run; else exec cargo run --release --locked -p pierhead-bench; fi

lint: fmt-check clippy deny ## formatting, clippy, dependencies

fmt: ## format the sources
	cargo fmt --all

fmt-check:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --locked --all-targets -- -D warnings

deny: tools
	cargo deny --workspace --locked --log-level error check licenses bans sources

docs: ## the API documentation of every room
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --locked --no-deps --document-private-items

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
