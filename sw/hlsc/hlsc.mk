# hlsc.mk - the translator (build/hlsc) and its tests (make test-hlsc); included by the top Makefile.
BUILD ?= build
HLSC_SRC    := $(addprefix sw/hlsc/,main.c diag.c expr.c read.c check.c lower.c flow.c vec.c comb.c emit.c soa.c glue.c)
HLSC_CFLAGS := -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -g -O1

$(BUILD)/hlsc: $(HLSC_SRC) sw/hlsc/hlsc.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(HLSC_CFLAGS) -o $@ $(HLSC_SRC) -ljson-c

# Tests run the translator under sanitizers.
$(BUILD)/hlsc-asan: $(HLSC_SRC) sw/hlsc/hlsc.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(HLSC_CFLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $(HLSC_SRC) -ljson-c

# Programs that tests/run.sh can call.  Random modules: seed, modules in a batch, batches.
HLSC_TESTS      := $(addprefix $(BUILD)/tests/hlsc/test_hlsc_,diag random netlist netlist_hw area_pe)
HLSC_TESTS_LONG := $(BUILD)/tests/hlsc/test_hlsc_random_long

$(BUILD)/tests/hlsc/test_hlsc_%: tests/hlsc/%.sh $(BUILD)/hlsc-asan
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nBUILD_DIR=%s exec %s\n' '$(abspath $(BUILD))' '$(abspath $<)' > $@ && chmod +x $@

$(BUILD)/tests/hlsc/test_hlsc_random_long: tests/hlsc/random.sh $(BUILD)/hlsc-asan
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nBUILD_DIR=%s exec %s 1000 24 20 10000\n' '$(abspath $(BUILD))' '$(abspath $<)' > $@ && chmod +x $@

.PHONY: test-hlsc
test-hlsc: $(HLSC_TESTS)
	$(Q)sh tests/run.sh $(HLSC_TESTS)

TESTS      += $(HLSC_TESTS)
TESTS_LONG += $(HLSC_TESTS_LONG)
