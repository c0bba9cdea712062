# SPDX-License-Identifier: Apache-2.0
#
# How often the count of a request is what its provider reported, over
# recordings that are no part of this tree; docs/TOKENS.md shows the tables.

RECORDINGS ?= ../shared/data

.PHONY: tokens-report
tokens-report: ## our counts beside recorded usage (RECORDINGS)
	@if [ ! -d "$(RECORDINGS)/fixtures" ]; then \
	    echo "no recordings in $(RECORDINGS): nothing to compare with"; \
	    exit 0; fi; \
	mkdir -p build && \
	$(CC) -O2 -g $(UNIT_WARN) -I ngx_http_genai_module/core \
	    -I ngx_http_genai_module/os -o build/tokens-report \
	    t/report/tokens.c $(TOOLS_SRCS) -ljansson $(TOOLS_LIBS) && \
	build/tokens-report "$(RECORDINGS)/fixtures" build/data \
	    data/models.json $(REPORT)
