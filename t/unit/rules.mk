# SPDX-License-Identifier: Apache-2.0
#
# The C unit tests: every t/unit/test_*.c is a program of its own, linked with
# all that knows no nginx (core/, os/ and the simulator's genai_*.c), under
# the address and undefined behaviour sanitizers.

UNIT      := build/unit
UNIT_SRCS  = $(sort $(wildcard ngx_http_genai_module/core/*.c \
                               ngx_http_genai_module/os/*.c \
                               ngx_http_genai_module/sim/genai_*.c))
UNIT_OBJS  = $(patsubst %.c,$(UNIT)/%.o,$(notdir $(UNIT_SRCS)))
UNIT_TESTS = $(patsubst t/unit/%.c,$(UNIT)/%,$(sort $(wildcard \
                                               t/unit/test_*.c)))

UNIT_CFLAGS ?= -g -O1 -fsanitize=address,undefined \
               -fno-sanitize-recover=undefined -fno-omit-frame-pointer
UNIT_WARN   := -W -Wall -Wpointer-arith -Wno-unused-parameter -Werror
# with a hook at each store to the books, for test_books_kill
UNIT_STEPS  := -DGENAI_BOOKS_STEPS=1
UNIT_INCS   := -I t/unit $(addprefix -I ngx_http_genai_module/,core os sim)
UNIT_LIBS   := -ljansson -lcrypto -lpcre2-8 -lpthread

vpath %.c ngx_http_genai_module/core ngx_http_genai_module/os \
          ngx_http_genai_module/sim t/unit

$(UNIT)/%.o: %.c t/unit/rules.mk | $(UNIT)
	@echo "  CC   $<"
	@$(CC) -c -MMD -MP $(UNIT_CFLAGS) $(UNIT_STEPS) $(UNIT_WARN) \
	    $(UNIT_INCS) \
	    -o $@ $<

# but test_tokens, which is minutes of work with them, see t/tokens/tokens.mk
$(filter-out $(UNIT)/test_tokens,$(UNIT_TESTS)): $(UNIT)/%: $(UNIT)/%.o \
    $(UNIT_OBJS)
	@echo "  LINK $@"
	@$(CC) $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

$(UNIT):
	@mkdir -p $@

.SECONDARY: $(UNIT_OBJS) $(addsuffix .o,$(UNIT_TESTS))

-include $(wildcard $(UNIT)/*.d)
