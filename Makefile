# Four programs (api-svc, kube-worker, monitor, registrar) and the simulator, from one tree. `make help` lists the targets.
#
# Layout of a build:  $(BUILD)/bin/<program>  $(BUILD)/obj/<path of the source>.o  $(BUILD)/test/unit
# Variants:           make SANITIZE=address,undefined | SANITIZE=thread   (its own $(BUILD))
#                     make CC=clang    make WERROR=1    make Q= (show the commands)
#                     make TEST_OPERATION=1  api-svc and kube-worker with the operation of tests/streams/, into $(BUILD)

ifeq ($(origin CC),default)
CC       := gcc
endif
PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
WERROR   ?=
SANITIZE ?=
BUILD    ?= build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
comma    := ,
Q        ?= @

PROGRAMS := $(filter $(patsubst %/main.c,%,$(wildcard */main.c)),api-svc kube-worker monitor registrar)
VERSION  := $(shell git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null | sed -e 's/^v//' -e 's/^[0-9a-f]\{7,\}/0.1.0-dev+g&/')
VERSION  := $(or $(VERSION),0.1.0-dev)

PKGS     := libnats libmicrohttpd gnutls libcjson libcurl yaml-0.1 libssl libcrypto libwslay
# Without a pkg-config file on Debian 12; header and library are in the default directories.
PLAIN    := libnats libwslay
PKG_CONFIG ?= pkg-config
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(filter-out $(PLAIN),$(PKGS)) 2>/dev/null)
PKG_LIBS   := $(PLAIN:lib%=-l%) $(shell $(PKG_CONFIG) --libs $(filter-out $(PLAIN),$(PKGS)) 2>/dev/null)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wold-style-definition -Wvla -Wformat=2 -Wwrite-strings -Wundef -Wswitch-enum -Wpointer-arith \
            -Wcast-qual -fno-common $(if $(findstring clang,$(CC)),,-Wjump-misses-init) $(if $(WERROR),-Werror)
HARDENING := -fstack-protector-strong -fPIE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
SANITIZERS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)

CFLAGS   ?= -O2 -g
ALL_CFLAGS := -std=gnu17 $(WARNINGS) $(HARDENING) $(SANITIZERS) -I. -D_GNU_SOURCE -pthread $(PKG_CFLAGS) $(CFLAGS)
DEFINES  :=
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANITIZERS) -pthread $(LDFLAGS)

COMMON_SRC  := $(wildcard common/*.c common/*/*.c)
KUBESIM_SRC := $(wildcard tests/kubesim/*.c)
UNIT_SRC    := $(wildcard tests/unit/*.c)
BENCH_SRC   := $(wildcard tests/bench/*.c)
FUZZ_SRC    := $(wildcard tests/fuzz/fuzz_*.c)
# A process's sources: its folder, and those in it.
sources      = $(wildcard $(1)/*.c $(1)/*/*.c)
PROCESS_SRC := $(foreach p,$(PROGRAMS),$(call sources,$(p)))
STREAMS_SRC := $(wildcard tests/streams/*.c)
SOURCES     := $(COMMON_SRC) $(PROCESS_SRC) $(KUBESIM_SRC) $(UNIT_SRC) $(BENCH_SRC) $(FUZZ_SRC) $(STREAMS_SRC)
HEADERS     := $(wildcard common/*.h common/*/*.h $(foreach p,$(PROGRAMS),$(p)/*.h $(p)/*/*.h) tests/kubesim/*.h tests/unit/*.h tests/fuzz/*.h)

obj = $(patsubst %,$(BUILD)/obj/%.o,$(basename $(1)))
BINARIES := $(patsubst %,$(BUILD)/bin/%,$(PROGRAMS) $(if $(KUBESIM_SRC),kubesim) $(notdir $(basename $(BENCH_SRC))))

.PHONY: all
all: $(BINARIES) $(if $(wildcard tests/checks),$(BUILD)/operations) ## Build the programs into build/bin

# Check that each operation and resource type is complete. (Packages are built without tests/.) With the folders as
# prerequisites, because a removed file is not in the wildcard.
$(BUILD)/operations: tests/checks/operations.sh common common/operation.h common/resource.h api-svc/openapi.yaml \
		kube-worker tests/end-to-end $(wildcard kube-worker/op_*.c tests/end-to-end/test_*.py)
	$(Q)tests/checks/operations.sh && mkdir -p $(@D) && touch $@

.DELETE_ON_ERROR:
.PHONY: FORCE

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC    $<'
	$(Q)$(CC) $(ALL_CFLAGS) $(DEFINES) -MMD -MP -c $< -o $@

# The version changes with every commit: only one file is recompiled.
$(BUILD)/obj/common/version.o: DEFINES = -DDCM_SP_VERSION='"$(VERSION)"'
$(BUILD)/obj/common/version.o: $(BUILD)/version
$(BUILD)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
FORCE:

# The API definition is embedded (api-svc/document/openapi.c names it in an .incbin).
OPENAPI  := $(if $(TEST_OPERATION),$(BUILD)/openapi.yaml,api-svc/openapi.yaml)
$(BUILD)/obj/api-svc/document/openapi.o: $(OPENAPI)

# The same for the console.
$(BUILD)/obj/api-svc/console/console.o: $(wildcard api-svc/console/console.*)

# The test operation for streams is built into separate programs (tests/streams/).
ifdef TEST_OPERATION
ALL_CFLAGS += -DDCM_SP_TEST_OPERATION
$(BUILD)/obj/api-svc/document/openapi.o: DEFINES = -DOPENAPI_FILE='"$(OPENAPI)"'
$(BUILD)/openapi.yaml: api-svc/openapi.yaml tests/streams/paths.yaml
	@mkdir -p $(@D)
	$(Q)sed '/^paths:$$/r tests/streams/paths.yaml' api-svc/openapi.yaml >$@
$(BUILD)/bin/kube-worker: $(call obj,$(STREAMS_SRC))
endif
STREAMS_BUILD := $(BUILD)/test/streams
.PHONY: test-streams-programs
test-streams-programs:
	$(Q)$(MAKE) --no-print-directory TEST_OPERATION=1 BUILD=$(STREAMS_BUILD) $(STREAMS_BUILD)/bin/api-svc $(STREAMS_BUILD)/bin/kube-worker

$(BUILD)/libcommon.a: $(call obj,$(COMMON_SRC))
	@rm -f $@
	$(Q)ar rcs $@ $^

define program_rule
$(BUILD)/bin/$(1): $$(call obj,$(2)) $(BUILD)/libcommon.a
	@mkdir -p $$(@D)
	@echo '  LINK  $$@'
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(PKG_LIBS) $(3)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rule,$(p),$(call sources,$(p)),-lm -ldl)))
$(eval $(call program_rule,kubesim,$(KUBESIM_SRC),-lm -ldl))
$(foreach b,$(BENCH_SRC),$(eval $(call program_rule,$(notdir $(basename $(b))),$(b),-lm -ldl)))

# ---- tests -----------------------------------------------------------------------------------------------------------

# All processes but their main() functions, with the unit tests on top. tests/unit/fake_<module>.c come before what they
# stand in for, which the linker then does not take out of the library; fake_clock.c, fake_exchange.c, fake_worker_stream.c
# and test_http_link.c are put before the functions below.
UNIT_WRAPPED := clock_mono_ms clock_mono_ns thread_wait thread_wait_until \
	http_exchange_wake http_exchange_is_present http_exchange_drop curl_easy_init \
	worker_stream_kube worker_stream_wake
$(BUILD)/test/unit: $(call obj,$(UNIT_SRC) $(filter-out %/main.c,$(PROCESS_SRC))) $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) $(ALL_LDFLAGS) $(UNIT_WRAPPED:%=-Wl,--wrap=%) -o $@ $^ $(PKG_LIBS) -lcriterion -lm -ldl

# One target per file, tests/fuzz/fuzz_<target>.c, linked with the same objects as the unit tests: libFuzzer, ASan and
# UBSan (clang), in a separate build folder. The corpus of a target is tests/fuzz/corpus/<target>/; new inputs stay in
# the build folder, logs and failing inputs in $(FUZZ_BUILD)/found/. One process per processor.
FUZZ_BUILD   := build-fuzz
FUZZ_SECONDS ?= 20
FUZZ_RUNS    ?= -1
FUZZ         ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC))
FUZZ_LIMITS  := -timeout=10 -rss_limit_mb=2048

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(call obj,$(filter-out %/main.c,$(PROCESS_SRC))) $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS) -lm -ldl
.PRECIOUS: $(BUILD)/obj/tests/fuzz/%.o

.PHONY: fuzz
fuzz: ## Run the fuzz targets (FUZZ="TARGET..."), FUZZ_SECONDS=20 each, 0: until FUZZ_RUNS executions
	$(MAKE) CC=clang SANITIZE=fuzzer-no-link,address,undefined BUILD=$(FUZZ_BUILD) $(FUZZ:%=$(FUZZ_BUILD)/fuzz/%)
	@mkdir -p $(FUZZ_BUILD)/found $(FUZZ:%=$(FUZZ_BUILD)/corpus/%)
	printf '%s\n' $(FUZZ) | xargs -P "$$(nproc)" -I TARGET sh -c '$(FUZZ_BUILD)/fuzz/TARGET $(FUZZ_LIMITS) \
		-max_total_time=$(FUZZ_SECONDS) -runs=$(FUZZ_RUNS) -artifact_prefix=$(FUZZ_BUILD)/found/TARGET- \
		$(FUZZ_BUILD)/corpus/TARGET tests/fuzz/corpus/TARGET >$(FUZZ_BUILD)/found/TARGET.log 2>&1 && \
		tail -n 1 $(FUZZ_BUILD)/found/TARGET.log | sed "s/^/TARGET: /" || \
		{ tail -n 50 $(FUZZ_BUILD)/found/TARGET.log; exit 255; }'

# Criterion ignores a leak inside a test unless ASan aborts.
export ASAN_OPTIONS = abort_on_error=1:detect_leaks=1
export UBSAN_OPTIONS = print_stacktrace=1

.PHONY: model
model: ## Explore the protocol of a request (common/protocol.h, SETTLING) in every order of events
	tests/model/settling.py

.PHONY: test unit component end-to-end test-cluster test-metrics-server cluster cluster-stop
unit: $(BUILD)/test/unit ## Run the unit tests
	$(BUILD)/test/unit --jobs 2

component: all test-streams-programs ## Run the component tests: one process each, with a real nats-server and kubesim
	tests/component/run.sh --build $(BUILD) $(COMPONENTS)

end-to-end: all ## Run the end-to-end tests against kubesim
	tests/end-to-end/run.sh --build $(BUILD) $(E2E)

test: unit ## Run all tests that need no cluster; component and end-to-end tests run in parallel
	+$(MAKE) -j2 --output-sync=target component end-to-end

cluster: ## Start a real Kubernetes control plane on this machine
	tests/cluster/start.sh

cluster-stop: ## Stop it
	tests/cluster/stop.sh

test-cluster: all ## Run the end-to-end tests against the real control plane
	tests/end-to-end/run.sh --build $(BUILD) --cluster $(E2E)

test-metrics-server: all ## Run the usage tests against the real metrics-server on a separate control plane
	SP_K8S_KUBECONFIG= METRICS_SERVER=yes tests/end-to-end/run.sh --build $(BUILD) --cluster test_usage_metrics_server.py

.PHONY: test-console
test-console: all ## Test the console in a real Chromium
	deploy/install-packages.sh console
	tests/console/run.sh --build $(BUILD)

.PHONY: api-check
api-check: all ## Check the API document: schemathesis against the running service, Spectral against the document
	tests/api-document/run.sh

.PHONY: test-kubernetes
test-kubernetes: ## Test deploy/kubernetes on the real control plane
	tests/deploy/kubernetes.sh

.PHONY: test-deploy
test-deploy: ## Test the package, images, compose.yaml, units and their sandbox, and all-in-one (about 25 minutes; needs root)
	deploy/install-packages.sh build test deb test-deploy
	set -e; for part in deb images compose systemd rights all-in-one; do tests/deploy/$$part.sh; done

.PHONY: chaos
SEED     ?=
SECONDS  ?= 60
TARGET   ?= sim
CHAOS    ?=
chaos: all ## Random faults under load, and an audit of all responses: SEED=, SECONDS=, TARGET=sim|cluster, CHAOS="--network --nats 3"
	tests/chaos/run.sh --build $(BUILD) --target $(TARGET) --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(CHAOS)

.PHONY: soak
HOURS    ?= 4
soak: all ## Long run at a tenth of the load with a restart each minute: HOURS=, SEED=, TARGET=sim|cluster
	tests/chaos/run.sh --build $(BUILD) --soak --target $(TARGET) --hours $(HOURS) $(if $(SEED),--seed $(SEED))

.PHONY: bench
bench: all test-streams-programs ## Measure: pipeline overhead, ratios to direct Kubernetes calls, memory, streams, a watch
	tests/bench/run.sh --build $(BUILD)
	tests/bench/streams.py --build $(BUILD)
	tests/bench/logs.py --build $(BUILD)
	tests/bench/watch.py --build $(BUILD)
	tests/bench/exec.py --build $(BUILD)

.PHONY: overload
overload: all ## Measure 2,000 clients at full rate, then 10,000 idle connections: latency, health, memory, recovery
	tests/bench/overload.py --bin $(BUILD)/bin
	tests/bench/crowd.py --bin $(BUILD)/bin

# ---- running ---------------------------------------------------------------------------------------------------------

.PHONY: run
run: ## Build and run the whole pipeline in the foreground
	deploy/run.sh

# systemd also reads /usr/local/lib/systemd/system.
UNITDIR  ?= $(PREFIX)/lib/systemd/system
MANDIR   ?= $(PREFIX)/share/man
DOCDIR   ?= $(PREFIX)/share/doc/dcm-sp
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions

MAN8     := $(patsubst %,$(BUILD)/man/%.8,$(PROGRAMS))
UNITS    := $(wildcard deploy/systemd/dcm-sp*.service deploy/systemd/dcm-sp.target)

$(BUILD)/man/%.8: $(BUILD)/bin/% deploy/man/%.8.in deploy/man/page.sh
	@mkdir -p $(@D)
	$(Q)deploy/man/page.sh $< deploy/man/$*.8.in >$@

.PHONY: man install
man: $(MAN8) ## Write the manual pages with the variables of --help

install: all man ## Install programs, units, manual pages and completion under $(DESTDIR)$(PREFIX)
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(UNITDIR)/dcm-sp-.service.d $(MANDIR)/man7 $(MANDIR)/man8 \
		$(DOCDIR)/examples $(COMPLETIONDIR))
	install -m 755 $(patsubst %,$(BUILD)/bin/%,$(PROGRAMS)) $(DESTDIR)$(BINDIR)
	install -m 644 $(UNITS) $(DESTDIR)$(UNITDIR)
	sed -i 's|=/usr/bin/|=$(BINDIR)/|' $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITS)))
	install -m 644 deploy/systemd/dcm-sp-.service.d/common.conf $(DESTDIR)$(UNITDIR)/dcm-sp-.service.d
	install -m 644 deploy/systemd/dcm-sp.env deploy/nats/accounts.conf $(wildcard deploy/monitoring/*) $(DESTDIR)$(DOCDIR)/examples
	install -m 644 deploy/man/dcm-sp.7 $(DESTDIR)$(MANDIR)/man7
	install -m 644 $(MAN8) $(DESTDIR)$(MANDIR)/man8
	for p in $(PROGRAMS); do install -m 644 deploy/completion.bash $(DESTDIR)$(COMPLETIONDIR)/$$p || exit 1; done

.PHONY: deb
deb: ## Build the Debian package into build/deb
	deploy/debian/build.sh $(BUILD)/deb $(VERSION)

# ---- checks ----------------------------------------------------------------------------------------------------------

.PHONY: lint format format-check hdr-check layer-check install-check
lint: ## cppcheck over the sources, shellcheck over the scripts
	tests/checks/lint.sh

format: ## Rewrite the sources with clang-format
	clang-format -i $(SOURCES) $(HEADERS)

format-check: ## Fail if clang-format would change a file or a comment exceeds 120 columns
	clang-format --dry-run --Werror $(SOURCES) $(HEADERS)
	@for f in $(SOURCES) $(HEADERS); do expand -t8 $$f | \
		awk -v f=$$f 'length > 120 && /^ *\/?\*/ { print f ":" NR ": a comment of more than 120 columns"; bad = 1 } END { exit bad }' || bad=1; \
	done; [ -z "$$bad" ]

hdr-check: $(patsubst %,$(BUILD)/hdr/%.o,$(HEADERS)) ## Compile every header separately
$(BUILD)/hdr/%.h.o: %.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Wno-unused-macros -x c -fsyntax-only $< && touch $@

layer-check: ## Fail on an include that violates the layers
	tests/checks/layers.sh

install-check: all ## Install into a directory; check units, manual pages, completion and the README tables against --help
	tests/checks/install.sh $(BUILD)

.PHONY: clean help
clean: ## Remove the build directories
	rm -rf build build-*

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  %-14s %s\n", $$1, $$2 }'

-include $(patsubst %.o,%.d,$(call obj,$(SOURCES)))
