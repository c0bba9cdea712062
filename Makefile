# SPDX-License-Identifier: Apache-2.0
#
# "make" lists what there is to do.  What the targets do in several steps is
# in ci/, which can be called by itself as well.

# the nginx to build for: the tree of Debian's nginx-dev, or any source tree
# (then with its own options in NGINX_FLAGS)
NGINX_SRC   ?= /usr/share/nginx/src
NGINX_FLAGS ?= $(if $(wildcard $(NGINX_SRC)/conf_flags),,--with-compat \
               --with-threads --with-http_ssl_module --with-http_v2_module)

# the nginx to test with
GENAI_NGINX ?= /usr/sbin/nginx

BUILD_DIR   ?= $(CURDIR)/build/debian
CFLAGS      ?= -g -O2
CC          := $(if $(filter default,$(origin CC)),gcc,$(CC))
JOBS        ?= $(shell nproc)
PROVE       ?= prove
PROVE_JOBS  ?= $(JOBS)
TESTS       ?= $(sort $(wildcard t/*.t))

# where the sources of other nginx versions are kept
GENAI_CACHE ?= $(HOME)/.cache/ngx-genai

# and the providers' SDKs for t/sdk
GENAI_SDK_DIR ?= $(GENAI_CACHE)/sdk

# of which Debian suite the sanitized nginx is, or another source tree
ASAN_SUITE  ?= $(shell . /etc/os-release 2> /dev/null; \
                       echo $${VERSION_CODENAME:-bookworm})
ASAN_SRC    ?=
ASAN_DIR    ?= $(CURDIR)/build/asan

export CC JOBS PROVE_JOBS GENAI_CACHE GENAI_SDK_DIR

MAKE_IN = $(MAKE) --no-print-directory $(if $(V),,-s) -j$(JOBS) \
          -f $(1)/Makefile -C $(2)


.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z][-a-z0-9]*:.*## / \
	    { printf "  %-12s %s\n", $$1, $$2 }' Makefile t/fuzz/rules.mk \
	    data/data.mk t/tokens/tokens.mk
	@echo
	@echo 'Variables: NGINX_SRC BUILD_DIR CFLAGS CC JOBS TESTS PROVE_JOBS'
	@echo 'GENAI_NGINX GENAI_CACHE SMOKE_TESTS GENAI_ROUNDS (see their places).'


# building

.PHONY: deps
deps: ## install the Debian packages that building and running need
	@ci/deps run

.PHONY: deps-test
deps-test: ## install what the tests need, too
	@ci/deps test
	@t/sdk/install

.PHONY: build
build: $(BUILD_DIR)/Makefile ## build both modules (NGINX_SRC, BUILD_DIR)
	@$(call MAKE_IN,$(BUILD_DIR),$(NGINX_SRC)) modules

$(BUILD_DIR)/Makefile: config ngx_http_genai_module/sources ci/configure
	@ci/configure $(NGINX_SRC) $(BUILD_DIR) "$(CFLAGS) -fPIC" "-fPIC" \
	    $(NGINX_FLAGS) --add-dynamic-module=$(CURDIR)

# with the directives that only tests need (GENAI_DEBUG, see config)
.PHONY: debug
debug: ## build without optimization, with genai_test_*, into build/debug
	@GENAI_DEBUG=1 $(MAKE) --no-print-directory build \
	    BUILD_DIR=$(CURDIR)/build/debug CFLAGS="-g3 -O0"

.PHONY: clang
clang: ## build with clang, into build/clang
	@$(MAKE) --no-print-directory build BUILD_DIR=$(CURDIR)/build/clang \
	    CC=clang

.PHONY: install
install: build ## copy the gateway module to nginx's modules (DESTDIR)
	@dir=$$($(GENAI_NGINX) -V 2>&1 \
	    | sed -n 's/.*--modules-path=\([^ ]*\).*/\1/p'); \
	: "$${dir:?nginx has no --modules-path}"; \
	install -d "$(DESTDIR)$$dir" && install -m 644 \
	    $(BUILD_DIR)/ngx_http_genai_module.so "$(DESTDIR)$$dir/" && \
	echo "load_module modules/ngx_http_genai_module.so;"

# a program of its own each, without nginx

TOOLS      := build/genai-json build/genai-key build/genai-policy \
              build/genai-books build/genai-catalog build/genai-vocab \
              build/genai-tokens
TOOLS_SRCS  = $(wildcard ngx_http_genai_module/core/*.c \
                         ngx_http_genai_module/os/*.c)
TOOLS_LIBS  = -lcrypto -lpcre2-8 -lpthread

.PHONY: tools
tools: $(TOOLS) ## build the command-line tools, docs/TOOLS.md

# what they share is compiled once
TOOLS_OBJS  = $(patsubst %.c,build/tools/%.o,$(notdir $(TOOLS_SRCS)))
TOOLS_CC    = $(CC) -O2 -g $(UNIT_WARN) -I ngx_http_genai_module/core \
                  -I ngx_http_genai_module/os

build/tools/%.o: %.c
	@mkdir -p build/tools
	@$(TOOLS_CC) -c -MMD -MP -o $@ $<

$(TOOLS): build/genai-%: tools/genai_%.c $(TOOLS_OBJS)
	@$(TOOLS_CC) -o $@ $(filter tools/%.c,$^) $(TOOLS_OBJS) $(TOOLS_LIBS)

-include $(wildcard build/tools/*.d)

# what looks at the books while they are in use, for t/limits_hold.t

WATCH := build/books-watch

$(WATCH): t/long/watch.c $(TOOLS_OBJS)
	@$(TOOLS_CC) -o $@ $< $(TOOLS_OBJS) $(TOOLS_LIBS)

.PHONY: run
run: deps ## build, start nginx with a simulated provider, show a stream
	@$(MAKE) --no-print-directory build
	@BUILD_DIR=$(BUILD_DIR) GENAI_NGINX=$(GENAI_NGINX) ci/run

.PHONY: clean
clean: ## remove build/
	rm -rf build


# checking

.PHONY: lint
lint: ## check the house style
	@ci/lint

include t/unit/rules.mk
include t/fuzz/rules.mk
include data/data.mk
include t/tokens/tokens.mk
include t/report/rules.mk

.PHONY: unit
unit: $(UNIT_TESTS) ## build the C unit tests (sanitized)

PROVE_UNIT = ASAN_OPTIONS=detect_leaks=1 $(PROVE) -j$(PROVE_JOBS)
PROVE_T    = GENAI_NGINX=$(GENAI_NGINX) GENAI_MODULES=$(BUILD_DIR) \
             $(PROVE) -j$(PROVE_JOBS) --timer

.PHONY: test
test: deps-test ## install what tests need, build, run all tests
	@$(MAKE) --no-print-directory -j$(JOBS) build tools unit $(WATCH)
	@$(PROVE_T) $(UNIT_TESTS) $(TESTS)
	@$(MAKE) --no-print-directory test-sdk

.PHONY: test-unit
test-unit: unit ## run the C unit tests
	@$(PROVE_UNIT) $(UNIT_TESTS)

.PHONY: test-t
test-t: build tools $(WATCH) ## run t/*.t (TESTS="t/a.t t/b.t")
	@$(PROVE_T) $(TESTS)

.PHONY: test-sdk
test-sdk: build ## run the tests with the providers' own SDKs, t/sdk
	@set -- t/sdk/*.t; if [ -e "$$1" ]; then \
	    GENAI_NGINX=$(GENAI_NGINX) GENAI_MODULES=$(BUILD_DIR) \
	    $(PROVE) --timer "$$@"; else echo "no t/sdk/*.t"; fi

# about 900 MB of programs, and a minute
.PHONY: test-agents
test-agents: build ## run the tests with coding agents, t/sdk/agents
	@GENAI_NGINX=$(GENAI_NGINX) GENAI_MODULES=$(BUILD_DIR) \
	    $(PROVE) --timer t/sdk/agents/agents.t

.PHONY: test-long
test-long: build tools $(WATCH) ## run the long tests, t/long/*.t (GENAI_ROUNDS)
	@set -- t/long/*.t; if [ -e "$$1" ]; then \
	    GENAI_NGINX=$(GENAI_NGINX) GENAI_MODULES=$(BUILD_DIR) GENAI_ALARM=3600 \
	    GENAI_ROUNDS=$${GENAI_ROUNDS:-20} $(PROVE) --timer "$$@"; \
	    else echo "no t/long/*.t"; fi

# SOAK_TIME seconds, SOAK_STREAMS at a time: see the test
.PHONY: soak
soak: build tools $(WATCH) ## minutes of open streams under limits (SOAK_TIME)
	@ulimit -n $$(ulimit -Hn); \
	export SOAK_TIME=$${SOAK_TIME:-600} SOAK_STREAMS=$${SOAK_STREAMS:-5000}; \
	GENAI_NGINX=$(GENAI_NGINX) GENAI_MODULES=$(BUILD_DIR) \
	    $(PROVE) --timer t/long/soak_limits.t

.PHONY: bench
bench: ## measure against plain proxy_pass (BENCH="--quick")
	@$(MAKE) --no-print-directory build
	@GENAI_NGINX=$(GENAI_NGINX) GENAI_MODULES=$(BUILD_DIR) \
	    perl t/bench/bench.pl $(BENCH)

.PHONY: bench-core
bench-core: ## measure core/ alone, into build/bench-core.json
	@mkdir -p build
	@$(CC) -O2 -g -I ngx_http_genai_module/core -o build/core-bench \
	    t/bench/core.c $(wildcard ngx_http_genai_module/core/*.c) \
	    $(TOOLS_LIBS)
	@build/core-bench build/bench-core.json
	@$(CC) -O2 -g -I ngx_http_genai_module/core -o build/policy-bench \
	    t/bench/policy.c $(wildcard ngx_http_genai_module/core/*.c) \
	    $(TOOLS_LIBS)
	@build/policy-bench build/bench-policy.json
	@$(CC) -O2 -g -I ngx_http_genai_module/core -I ngx_http_genai_module/os \
	    -DGENAI_BOOKS_BENCH=1 \
	    -o build/books-bench t/bench/books.c $(TOOLS_SRCS) $(TOOLS_LIBS)
	@build/books-bench
	@$(CC) -O2 -g -I ngx_http_genai_module/core -o build/split-bench \
	    t/bench/split.c $(wildcard ngx_http_genai_module/core/*.c) \
	    $(TOOLS_LIBS)
	@build/split-bench README.md docs/*.md
	@build/split-bench ngx_http_genai_module/core/*.c


# sanitizers: nginx with both modules inside.  A pool hands out memory that no
# sanitizer can watch, hence NGX_DEBUG_PALLOC.  nginx copies nothing from NULL
# with a length of 0, reads unaligned words, and its handlers are called
# through casts: these are not what is looked for.  GENAI_DEBUG brings the
# directives that only tests need, as of t/park.t.

ASAN_FLAGS := -O1 -g -fsanitize=address,undefined \
    -fno-sanitize=nonnull-attribute -fno-omit-frame-pointer \
    -fno-sanitize-recover=undefined -DNGX_DEBUG_PALLOC=1 \
    -DNGX_HAVE_NONALIGNED=0

LEAKS := detect_leaks=1

# stacks through libssl, which has no frame pointers: ten times slower
ASAN_SLOW  := t/harness.t t/tls.t
LEAKS_SLOW := $(LEAKS):fast_unwind_on_malloc=0

.PHONY: asan
asan: ## build nginx and the modules with ASan and UBSan
	@mkdir -p $(ASAN_DIR)
	@if [ -n "$(ASAN_SRC)" ]; then echo "source $(ASAN_SRC)"; else \
	    ci/nginx-tree $(ASAN_SUITE); fi > $(ASAN_DIR)/tree.new
	@cmp -s $(ASAN_DIR)/tree.new $(ASAN_DIR)/tree \
	    || mv $(ASAN_DIR)/tree.new $(ASAN_DIR)/tree
	@read kind tree < $(ASAN_DIR)/tree; [ "$$kind" = source ] || { \
	    echo "the sources of nginx cannot be had: set ASAN_SRC"; exit 1; }; \
	$(MAKE) --no-print-directory asan-nginx ASAN_SRC="$$tree"

.PHONY: asan-nginx
asan-nginx: $(ASAN_DIR)/Makefile
	@$(call MAKE_IN,$(ASAN_DIR),$(ASAN_SRC)) binary

$(ASAN_DIR)/Makefile: config ngx_http_genai_module/sources ci/configure \
                      $(ASAN_DIR)/tree
	@GENAI_DEBUG=1 ci/configure $(ASAN_SRC) $(ASAN_DIR) "$(ASAN_FLAGS)" \
	    "-fsanitize=address,undefined" --with-compat --with-debug \
	    --with-threads --with-http_ssl_module --with-http_v2_module \
	    --with-http_stub_status_module --with-http_auth_request_module \
	    --with-http_realip_module --with-http_gunzip_module \
	    --with-http_sub_module --with-http_slice_module \
	    --with-http_addition_module \
	    --add-module=$(CURDIR)

.PHONY: test-asan
test-asan: asan tools $(WATCH) ## run t/*.t on it
	@export GENAI_NGINX=$(ASAN_DIR)/nginx GENAI_STATIC=1 \
	    GENAI_SCALE=$${GENAI_SCALE:-3}; \
	fast="$(filter-out $(ASAN_SLOW),$(wildcard $(TESTS)))"; \
	slow="$(filter $(ASAN_SLOW),$(wildcard $(TESTS)))"; \
	[ -z "$$fast" ] \
	    || GENAI_ASAN_OPTIONS=$${GENAI_ASAN_OPTIONS-$(LEAKS)} \
	       $(PROVE) -j$(PROVE_JOBS) --timer $$fast || exit 1; \
	[ -z "$$slow" ] \
	    || GENAI_ASAN_OPTIONS=$${GENAI_ASAN_OPTIONS-$(LEAKS_SLOW)} \
	       $(PROVE) -j$(PROVE_JOBS) --timer $$slow

.PHONY: matrix
matrix: ## build and try the modules on the nginx of each Debian suite
	@ci/matrix $(SUITES)
