# SPDX-License-Identifier: Apache-2.0
#
# Fuzz targets: every t/fuzz/fuzz_*.c, with its seeds in t/fuzz/corpus/*.
# They are replayed with the compiler at hand; fuzzing itself needs clang.

FUZZ_TARGETS = $(patsubst t/fuzz/fuzz_%.c,%,$(sort $(wildcard \
                                                  t/fuzz/fuzz_*.c)))
FUZZ_REPLAYS = $(addprefix build/fuzz/replay-,$(FUZZ_TARGETS))
FUZZ_SRCS    = $(sort $(wildcard ngx_http_genai_module/core/*.c)) \
               ngx_http_genai_module/sim/genai_sim_json.c

build/fuzz/replay-%: t/fuzz/fuzz_%.c t/fuzz/replay.c $(UNIT_OBJS)
	@mkdir -p build/fuzz
	@echo "  LINK $@"
	@$(CC) $(UNIT_CFLAGS) $(UNIT_WARN) $(UNIT_INCS) -o $@ $^ $(UNIT_LIBS)

FUZZ_OBJS    = $(patsubst %.c,build/fuzz/obj/%.o,$(notdir $(FUZZ_SRCS)))
FUZZ_CFLAGS  = -g -O1 -fsanitize=fuzzer-no-link,address,undefined \
               -fno-sanitize-recover=undefined $(UNIT_INCS)

build/fuzz/obj/%.o: %.c
	@mkdir -p build/fuzz/obj
	@clang -c -MMD -MP $(FUZZ_CFLAGS) -o $@ $<

build/fuzz/fuzz-%: t/fuzz/fuzz_%.c $(FUZZ_OBJS)
	@echo "  FUZZ $@"
	@clang $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ -ljansson -lcrypto \
	    -lpcre2-8

.SECONDARY: $(FUZZ_OBJS)
-include $(wildcard build/fuzz/obj/*.d)

.PHONY: test-corpora
test-corpora: $(FUZZ_REPLAYS) ## replay the seeds of the fuzz targets
	@for t in $(FUZZ_TARGETS); do \
	    find t/fuzz/corpus/$$t -type f -print0 \
	        | xargs -0 build/fuzz/replay-$$t > build/fuzz/replay-$$t.log \
	        || { tail -n 20 build/fuzz/replay-$$t.log; \
	             echo "corpus $$t: a seed fails"; exit 1; }; \
	    echo "corpus $$t: $$(find t/fuzz/corpus/$$t -type f | wc -l) seeds"; \
	done

.PHONY: fuzz
fuzz: $(addprefix build/fuzz/fuzz-,$(FUZZ_TARGETS)) ## fuzz (FUZZ_TIME seconds)
	@for t in $(FUZZ_TARGETS); do \
	    mkdir -p build/fuzz/found-$$t; \
	    build/fuzz/fuzz-$$t -max_total_time=$${FUZZ_TIME:-60} \
	        -artifact_prefix=build/fuzz/ build/fuzz/found-$$t \
	        t/fuzz/corpus/$$t || exit 1; \
	done
