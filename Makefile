# What developers and CI run. Servers for the tests come from scripts/setup.

.PHONY: build test demo lint clean

build:
	cargo build --release

test:
	scripts/setup
	cargo test --workspace --features pgcopydb/faults

demo:
	scripts/setup
	scripts/demo

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features pgcopydb/faults -- -D warnings

clean:
	cargo clean
