# hlsc.mk - the translator and its tests; included by the top Makefile.
BUILD ?= build
HLSC_SRC := $(addprefix sw/hlsc/,main.c diag.c expr.c read.c check.c lower.c flow.c vec.c comb.c emit.c glue.c)
HLSC_CFLAGS := -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -g

$(BUILD)/hlsc: $(HLSC_SRC) sw/hlsc/hlsc.h
	@mkdir -p $(@D)
	$(CC) $(HLSC_CFLAGS) -O1 -o $@ $(HLSC_SRC) -ljson-c

$(BUILD)/hlsc-asan: $(HLSC_SRC) sw/hlsc/hlsc.h
	@mkdir -p $(@D)
	$(CC) $(HLSC_CFLAGS) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $(HLSC_SRC) -ljson-c
