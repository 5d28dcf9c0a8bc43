# `make demo` and `make test` are the two commands of the README. Each installs what it needs on a
# fresh Debian machine with the Rust toolchain.

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# make demo ARGS=--stay keeps the gateway up afterwards.
ARGS :=

.PHONY: demo test audit bench compiler test-tools

demo: compiler
	cargo run --release -- demo $(ARGS)

test: compiler test-tools
	cargo fmt --all --check
	cargo clippy --all-targets -- -D warnings
	@if cargo nextest --version >/dev/null 2>&1; then set -x; \
		cargo nextest run && cargo test --doc; \
	else set -x; cargo test; fi
	cargo deny check bans licenses sources
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
	cargo run -- check --config config

# Known vulnerabilities: needs the advisory database from the Internet.
audit: test-tools
	cargo deny check advisories

bench: compiler
	cargo bench --bench relay --bench journal --bench calls

# Installs Debian packages: $(call install,COMMAND:PACKAGE …) for each COMMAND that is missing.
define install
	@packages=; for pair in $(1); do \
		command -v $${pair%%:*} >/dev/null || packages="$$packages $${pair##*:}"; \
	done; \
	if [ -n "$$packages" ]; then set -x; $(SUDO) apt-get update -q && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive \
			apt-get install -q -y --no-install-recommends $$packages; fi
endef

compiler:
	$(call install,cc:build-essential)

test-tools:
	$(call install,sipp:sip-tester baresip:baresip-core)
	@cargo deny --version >/dev/null 2>&1 || { set -x; cargo install --locked cargo-deny; }
