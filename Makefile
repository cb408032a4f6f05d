# Rowstation - `make help` lists the targets.  V=1 shows commands; everything lands in build/.
BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= cc
AR     ?= ar
VERSION := 0.1.0
SOVERSION := 0

ifeq ($(V),1)
Q :=
SAY := @:
else
Q := @
SAY := @printf '  %-8s %s\n'
MAKEFLAGS += --no-print-directory
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:

# ---- how things are compiled ---------------------------------------------------------------
LIB_DIRS := sw/base sw/kernels sw/import sw/graph sw/plan host
INCLUDES := $(addprefix -I,$(LIB_DIRS)) -Ihw -Isim
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS   ?= -O2 -g
BASE_CFLAGS := -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE $(WARNINGS) -MMD -MP -fPIC -fvisibility=hidden -pthread \
               -DRS_VERSION='"$(VERSION)"'
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LDLIBS   := -lm -ldl -pthread

# Optional libraries, only of the command line: PNG and gzip inputs.  Absent: a message when one is needed.
have = $(shell printf '\#include <stddef.h>\n\#include <stdio.h>\n\#include <$(1)>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo 1)
HAVE_PNG  := $(call have,png.h)
HAVE_ZLIB := $(call have,zlib.h)
CLI_DEFS := $(if $(HAVE_PNG),-DRS_HAVE_PNG) $(if $(HAVE_ZLIB),-DRS_HAVE_ZLIB)
CLI_LIBS := $(if $(HAVE_PNG),-lpng) $(if $(HAVE_ZLIB),-lz)

LIB_SRC := $(sort $(wildcard $(addsuffix /*.c,$(LIB_DIRS))))
CLI_SRC := $(sort $(wildcard sw/cli/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(BUILD)/obj/%.o)
LIB_SAN := $(LIB_SRC:%.c=$(BUILD)/san/%.o)
CLI_SAN := $(CLI_SRC:%.c=$(BUILD)/san/%.o)

# ---- what the tests are made of ------------------------------------------------------------
# A test is a program that prints PASS, FAIL and SKIP lines (tests/run.sh).  The .mk files of other
# directories add theirs to TESTS (make test) or TESTS_LONG (make test-long); those that need a
# C compiler and make only, to TESTS_HOST (make test-host, and make test as well).
TEST_SRC  := $(sort $(wildcard tests/unit/test_*.c tests/e2e/test_*.c))
TEST_PROGRAMS := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)
TEST_HELPERS  := $(patsubst %.c,$(BUILD)/san/%.o,$(sort $(wildcard tests/*.c)))
TESTS      :=
TESTS_HOST :=
TESTS_LONG :=
# Emulation and simulation objects: $(BUILD)/librs_emu_PRESET.so, $(BUILD)/librs_sim_PRESET.so (sim.mk).
EMU_LIBS   :=
SIM_LIBS   :=

all: lib cli

-include sw/hlsc/hlsc.mk
-include sim/sim.mk

.PHONY: all help lib cli build _build run _run test _test test-host test-long _test-long lint clean install \
        deps tests emu sim

help:
	@echo 'make build       install what is missing, build $(BUILD)/rowstation, emulation and simulation'
	@echo 'make run         the Fashion-MNIST network on the Verilated array, checked against the CPU'
	@echo 'make test        every test (needs packages; installs them as root or through sudo)'
	@echo 'make test-host   the tests that need a C compiler and make only: cpu and emu'
	@echo 'make test-long   random tests at length, with a new seed each time'
	@echo 'make lib cli     library and command line only'
	@echo 'make emu sim     emulation and simulation of all presets'
	@echo 'make lint        static checks, with the tools that are there'
	@echo 'make install     PREFIX=$(PREFIX): command line, library, header, pkg-config file'
	@echo 'make clean       remove $(BUILD)/'
	@echo 'Variables: V=1 shows commands; BUILD, PREFIX, DESTDIR, CC, CFLAGS as usual.'

lib: $(BUILD)/librowstation.a $(BUILD)/librowstation.so
cli: $(BUILD)/rowstation
emu: $(EMU_LIBS)
sim: $(SIM_LIBS)

# What was configured, so that a library installed later is noticed.
CONFIG_LINE := $(CC) $(CFLAGS) $(CLI_DEFS)
$(BUILD)/config: FORCE
	@mkdir -p $(@D); echo '$(CONFIG_LINE)' | cmp -s - $@ || echo '$(CONFIG_LINE)' > $@
FORCE:

$(BUILD)/obj/%.o: %.c $(BUILD)/config
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) $(INCLUDES) $(if $(filter sw/cli/%,$<),$(CLI_DEFS)) -c $< -o $@

$(BUILD)/san/%.o: %.c $(BUILD)/config
	$(SAY) CC-SAN $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(SANITIZE) $(INCLUDES) -Itests $(if $(filter sw/cli/%,$<),$(CLI_DEFS)) -c $< -o $@

$(BUILD)/librowstation.a: $(LIB_OBJ)
	$(SAY) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/librowstation.so: $(LIB_OBJ)
	$(SAY) LD $@
	$(Q)$(CC) -shared -Wl,-soname,librowstation.so.$(SOVERSION) -Wl,-z,defs $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/san/librowstation.a: $(LIB_SAN)
	$(SAY) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/rowstation: $(CLI_OBJ) $(BUILD)/librowstation.a
	$(SAY) LD $@
	$(Q)$(CC) -rdynamic $(LDFLAGS) $^ $(LDLIBS) $(CLI_LIBS) -o $@

# The command line with sanitizers: the one that the tests run.
$(BUILD)/san/rowstation: $(CLI_SAN) $(BUILD)/san/librowstation.a
	$(SAY) LD $@
	$(Q)$(CC) $(SANITIZE) -rdynamic $^ $(LDLIBS) $(CLI_LIBS) -o $@

# What several tests share: each takes from it what it needs.
$(BUILD)/san/helpers.a: $(TEST_HELPERS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/%: $(BUILD)/san/tests/%.o $(BUILD)/san/helpers.a $(BUILD)/san/librowstation.a
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) -rdynamic $^ $(LDLIBS) -o $@

tests: $(TEST_PROGRAMS)

# ---- the commands --------------------------------------------------------------------------
deps:
	@sh scripts/install-deps.sh

build: deps
	$(Q)$(MAKE) _build
_build: lib cli emu sim

run: deps
	$(Q)$(MAKE) _run

test: deps
	$(Q)$(MAKE) _test
_test: _build $(TEST_PROGRAMS) $(TESTS) $(TESTS_HOST)
	$(Q)RS_BUILD=$(abspath $(BUILD)) sh tests/run.sh $(TEST_PROGRAMS) $(TESTS_HOST) $(TESTS)

test-host: lib cli emu $(TEST_PROGRAMS) $(TESTS_HOST)
	$(Q)RS_BUILD=$(abspath $(BUILD)) sh tests/run.sh $(TEST_PROGRAMS) $(TESTS_HOST)

test-long: deps
	$(Q)$(MAKE) _test-long
_test-long: _build $(TESTS_LONG)
	$(Q)RS_BUILD=$(abspath $(BUILD)) RS_TEST_TIMEOUT=86400 sh tests/run.sh $(TESTS_LONG)

clean:
	$(Q)rm -rf $(BUILD)

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(LIB_SAN:.o=.d) $(CLI_SAN:.o=.d) $(TEST_SRC:%.c=$(BUILD)/san/%.d) $(TEST_HELPERS:.o=.d)
