# What developers and CI run. Servers for the tests come from scripts/setup.

.PHONY: build test demo bench lint clean

build:
	cargo build --release

test:
	scripts/setup
	cargo test --workspace --features pgcopydb/faults

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
