# What developers and CI run. Servers for the tests come from scripts/setup.

.PHONY: build test torture fuzz demo bench lint clean

build:
	cargo build --release

test:
	scripts/setup
	cargo test --workspace --features pgcopydb/faults

# make torture TORTURE_SECONDS=3600; PGCOPYDB_TORTURE_SEED=N repeats one life; see docs/torture.md
TORTURE_SECONDS ?= 600
torture:
	scripts/setup
	PGCOPYDB_TORTURE_SECONDS=$(TORTURE_SECONDS) cargo test --features pgcopydb/faults --test main torture -- --nocapture --test-threads 1

# make fuzz FUZZ_SECONDS=600: seconds for each target; FUZZ_TARGET=name for one
FUZZ_SECONDS ?= 30
fuzz:
	FUZZ_SECONDS=$(FUZZ_SECONDS) cargo test --features pgcopydb/faults --test fuzz -- --nocapture

demo:
	scripts/setup
	scripts/demo

# make bench ARGS="--small --only W1,W5"; see docs/performance.md
bench:
	scripts/setup
	cargo build --release
	cargo run --release --quiet --package pgcopydb-bench -- $(ARGS)

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features pgcopydb/faults -- -D warnings

clean:
	cargo clean
