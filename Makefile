# `make demo` and `make test` are the two commands of the README. Each installs what it needs on a
# fresh Debian machine with the Rust toolchain.

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# make demo ARGS=--stay keeps the gateway up afterwards.
ARGS :=

# Seconds that `make fuzz` runs each target.
FUZZ_SECONDS := 10
FUZZ_TARGETS := message sdp multipart pidf_lo aml additional_data cap rtp rtcp stun dtls text

# What runs under Node and Python in the tests.
JSSIP := tests/jssip/node_modules
PJSIP := target/pjsua2
SCHEMATHESIS := target/schemathesis
PEOPLE := tests/pages/node_modules

# The pages of the console, which go into the program.
WEB := src/console/web
PAGES := $(if $(wildcard $(WEB)/package.json),$(WEB)/dist/index.html)

.PHONY: all pages node demo test fuzz audit bench compiler test-tools

all: compiler pages
	cargo build --release

pages: $(PAGES)

# The same lock file everywhere; what is packed beside each file is sent as it is.
$(WEB)/dist/index.html: $(WEB)/node_modules $(shell find $(WEB) -type f \
		-not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
	cd $(WEB) && npm run build
	node $(WEB)/pack.mjs
	touch $@

$(WEB)/node_modules: $(WEB)/package-lock.json | node
	cd $(WEB) && npm ci --no-audit --no-fund
	touch $@

node:
	$(call install,node:nodejs npm:npm)

demo: compiler pages
	cargo run --release -- demo $(ARGS)

test: compiler test-tools $(JSSIP) $(PJSIP) $(SCHEMATHESIS) $(PEOPLE) pages
	cd $(WEB) && npm run check
	cargo fmt --all --check
	cargo clippy --all-targets -- -D warnings
	@if cargo nextest --version >/dev/null 2>&1; then set -x; \
		cargo nextest run && cargo test --doc; \
	else set -x; cargo test; fi
	cargo deny check bans licenses sources
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
	cargo run -- check --config config
	@$(MAKE) --no-print-directory fuzz

# The targets assert and no code of ours is unsafe: no sanitizer, so the stable compiler will do.
# Runs each target over its kept corpus and goes on from there. New inputs stay out of the tree, in
# fuzz/target; one that breaks a promise is left in fuzz/artifacts. Where libFuzzer cannot be had,
# tests/corpus.rs has done the same without it.
fuzz: compiler
	@cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz \
		|| { echo "no cargo-fuzz: tests/corpus.rs stands in for it" >&2; exit 0; }; \
	cargo fuzz --version >/dev/null 2>&1 || exit 0; set -e; \
	cargo fmt --manifest-path fuzz/Cargo.toml --check; \
	cargo fuzz build --dev -s none; \
	for target in $(FUZZ_TARGETS); do \
		new=fuzz/target/found/$$target; mkdir -p $$new; \
		seeds=fuzz/corpus/$$target; \
		[ $$target != message ] || seeds="$$seeds tests/fixtures/rfc4475/valid \
			tests/fixtures/rfc4475/invalid tests/fixtures/rfc5118 sip-scenarios/trunk"; \
		cargo fuzz run --dev -s none $$target $$new $$seeds -- -max_total_time=$(FUZZ_SECONDS) \
			-max_len=65535 -rss_limit_mb=2048 -timeout=10 -print_final_stats=0 -verbosity=0; \
	done

# Known vulnerabilities: needs the advisory database from the Internet.
audit: test-tools
	cargo deny check advisories

bench: compiler
	cargo bench --bench relay --bench ways --bench journal --bench calls --bench soak --bench queue

# Installs Debian packages: $(call install,COMMAND:PACKAGE …) for each COMMAND, or file, that is
# missing. No service among them is started: policy-rc.d forbids it meanwhile, and the next boot
# does not know of Kamailio.
define install
	@packages=; for pair in $(1); do \
		command -v $${pair%%:*} >/dev/null || ls $${pair%%:*} >/dev/null 2>&1 || \
			packages="$$packages $${pair##*:}"; \
	done; \
	if [ -n "$$packages" ]; then set -ex; $(SUDO) apt-get update -q; \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive sh -ec ' \
			policy=/usr/sbin/policy-rc.d; \
			if [ ! -e $$policy ]; then trap "rm -f $$policy" EXIT; \
				printf "#!/bin/sh\\nexit 101\\n" >$$policy; chmod 755 $$policy; fi; \
			apt-get install -q -y --no-install-recommends "$$@"; \
			if [ -d /run/systemd/system ]; then case " $$* " in *" kamailio "*) \
				systemctl disable kamailio;; esac; fi' sh $$packages; fi
endef

compiler:
	$(call install,cc:build-essential)

test-tools:
	$(call install,sipp:sip-tester baresip:baresip-core linphonec:linphone-cli \
		dnsmasq:dnsmasq-base node:nodejs npm:npm python3:python3 pip3:python3-pip \
		chromium:chromium ffmpeg:ffmpeg opusdec:opus-tools unzip:unzip openssl:openssl \
		psql:postgresql-client /usr/lib/postgresql/*/bin/postgres:postgresql \
		kamailio:kamailio /usr/lib/*/kamailio/modules/tls.so:kamailio-tls-modules)
	@cargo deny --version >/dev/null 2>&1 || { set -x; cargo install --locked cargo-deny; }

$(JSSIP): tests/jssip/package-lock.json | test-tools
	cd tests/jssip && npm ci --no-audit --no-fund
	touch $@

$(PEOPLE): tests/pages/package-lock.json | test-tools
	cd tests/pages && npm ci --no-audit --no-fund
	touch $@

# No Debian package has them, and their wheels are not for every machine: the tests then say that they are
# left out.
$(PJSIP): tests/pjsip/requirements.txt
$(SCHEMATHESIS): tests/schemathesis/requirements.txt
$(PJSIP) $(SCHEMATHESIS): | test-tools
	rm -rf $@
	python3 -m pip install --quiet --only-binary :all: --no-deps --target $@ -r $< || mkdir -p $@
	touch $@
