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
# As many jobs as processors, unless the caller says otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:

# ---- how things are compiled ---------------------------------------------------------------
# Optional libraries.  Absent: a message when one is needed.  protobuf-c: ONNX models; PNG and gzip, only of the command
# line: inputs.
HASH := \#
have = $(shell printf '$(HASH)include <stddef.h>\n$(HASH)include <stdio.h>\n$(HASH)include <$(1)>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo 1)
HAVE_PNG  := $(call have,png.h)
HAVE_ZLIB := $(call have,zlib.h)
HAVE_PROTOBUF := $(if $(shell command -v protoc-c),$(call have,protobuf-c/protobuf-c.h))

LIB_DIRS := sw/base sw/kernels sw/import sw/graph sw/quant sw/plan sw/cost sw/xclbin host $(if $(HAVE_PROTOBUF),sw/import/onnx)
INCLUDES := $(addprefix -I,$(LIB_DIRS)) -Ihw -Isim $(if $(HAVE_PROTOBUF),-I$(BUILD)/gen)
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS   ?= -O2 -g
BASE_CFLAGS := -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE $(WARNINGS) -MMD -MP -fPIC -fvisibility=hidden -pthread \
               -DRS_VERSION='"$(VERSION)"'
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LDLIBS   := $(if $(HAVE_PROTOBUF),-lprotobuf-c) -lm -ldl -pthread
LIB_DEFS := $(if $(HAVE_PROTOBUF),-DRS_HAVE_PROTOBUF)
CLI_DEFS := $(if $(HAVE_PNG),-DRS_HAVE_PNG) $(if $(HAVE_ZLIB),-DRS_HAVE_ZLIB)
CLI_LIBS := $(if $(HAVE_PNG),-lpng) $(if $(HAVE_ZLIB),-lz)

LIB_SRC := $(sort $(wildcard $(addsuffix /*.c,$(LIB_DIRS))))
CLI_SRC := $(sort $(wildcard sw/cli/*.c))
ONNX_PB := $(if $(HAVE_PROTOBUF),$(BUILD)/gen/onnx.pb-c)
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(ONNX_PB:$(BUILD)/%=$(BUILD)/obj/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(BUILD)/obj/%.o)
LIB_SAN := $(LIB_SRC:%.c=$(BUILD)/san/%.o) $(ONNX_PB:$(BUILD)/%=$(BUILD)/san/%.o)
CLI_SAN := $(CLI_SRC:%.c=$(BUILD)/san/%.o)

# ---- what the tests are made of ------------------------------------------------------------
# A test is a program that prints PASS, FAIL and SKIP lines (tests/run.sh).  The .mk files of other
# directories add theirs to TESTS (make test) or TESTS_LONG (make test-long); those that need a
# C compiler and make only, to TESTS_HOST (make test-host, and make test as well).
TEST_SRC  := $(sort $(wildcard tests/unit/test_*.c tests/e2e/test_*.c))
TEST_PROGRAMS := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)
# Scripts: programs of the same kind.  They test the command line with sanitizers, and the installed copy.
TEST_SCRIPTS  := $(sort $(wildcard tests/e2e/test_*.sh))
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
-include sw/kernels/kernels.mk
-include sw/cost/cost.mk
-include tests/fuzz/fuzz.mk
-include host/xrt.mk
-include scripts/fpga/fpga.mk

.PHONY: explore-count all help lib cli build _build run _run test _test test-host test-long _test-long lint clean install install-built \
        deps tests emu sim

help:
	@echo 'make build       install what is missing, build $(BUILD)/rowstation, emulation and simulation'
	@echo 'make run         the Fashion-MNIST network on the Verilated array, checked against the CPU'
	@echo 'make test        every test (needs packages; installs them as root or through sudo)'
	@echo 'make test-host   the tests that need a C compiler and make only: cpu and emu'
	@echo 'make xrt-test    everything that goes through Xilinx XRT, in its hardware emulation'
	@echo 'make kernel      PLATFORM=u250|u200|u50|u55c|u280: package and link for a card (Vivado, Vitis)'
	@echo 'make area ecp5   area of every module by Yosys; clock on an ECP5 by nextpnr (minutes to hours)'
	@echo 'make test-long   random tests at length, with a new seed each time; libFuzzer on every reader, RS_FUZZ_SECONDS each'
	@echo 'make explore-count   40 configurations built and counted beside their estimates'
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
.PHONY: FORCE
FORCE:

# Only these see protobuf-c: the importers, the quantizer's writers and tests.
ONNX_USERS := $(filter sw/import/% sw/quant/% tests/unit/test_onnx% tests/unit/test_quant%,$(LIB_SRC) $(TEST_SRC))
$(BUILD)/config-protobuf: FORCE
	@mkdir -p $(@D); echo '$(LIB_DEFS)' | cmp -s - $@ || echo '$(LIB_DEFS)' > $@
$(ONNX_USERS:%.c=$(BUILD)/obj/%.o) $(ONNX_USERS:%.c=$(BUILD)/san/%.o): $(BUILD)/config-protobuf | $(ONNX_PB:=.h)

# The ONNX format's messages, made by protobuf-c's compiler.
$(BUILD)/gen/%.pb-c.c $(BUILD)/gen/%.pb-c.h &: sw/import/onnx/%.proto
	$(SAY) PROTOC $<
	@mkdir -p $(@D)
	$(Q)protoc-c -I$(<D) --c_out=$(BUILD)/gen $<

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/san/gen/%.o: $(BUILD)/gen/%.c
	$(SAY) CC-SAN $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(SANITIZE) -c $< -o $@

$(BUILD)/obj/%.o: %.c $(BUILD)/config
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) $(INCLUDES) $(LIB_DEFS) $(if $(filter sw/cli/%,$<),$(CLI_DEFS)) -c $< -o $@

$(BUILD)/san/%.o: %.c $(BUILD)/config
	$(SAY) CC-SAN $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(SANITIZE) $(INCLUDES) -Itests $(LIB_DEFS) $(if $(filter sw/cli/%,$<),$(CLI_DEFS)) -c $< -o $@

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

# Ten real test images of Fashion-MNIST, through the network that models/ holds, on the Verilated array.
FASHION := /usr/share/datasets/fashion-mnist
RUN_TARGET ?= sim:default
RUN_ITEMS  ?= 0-9
_run: cli $(BUILD)/librs_sim_default.so
	$(Q)$(BUILD)/rowstation run models/fashion_resnet.tflite --target $(RUN_TARGET) --labels models/fashion_labels.txt \
	  --input 'idx:$(FASHION)/t10k-images-idx3-ubyte.gz#$(RUN_ITEMS)' --expect '$(FASHION)/t10k-labels-idx1-ubyte.gz#$(RUN_ITEMS)' \
	  --top 1 --verify

test: deps
	$(Q)$(MAKE) _test

# Emulation that fails, a card that hangs: platforms around emu:default that do what no sound one does.
SHIMS := $(if $(EMU_LIBS),$(foreach s,hang flip,$(BUILD)/shim/librs_emu_$(s).so))
$(BUILD)/shim/librs_emu_%.so: tests/e2e/shim_platform.c sim/platform.h hw/isa.h $(BUILD)/config
	$(SAY) CC '$< ($*)'
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(CFLAGS) -DSHIM='"$*"' $(INCLUDES) -shared $< -ldl -o $@

# test-host builds and runs in two minutes on two cores, so it leaves out what takes long or needs more presets.
LONG_PROGRAMS := $(foreach t,unit/test_plan_% unit/test_fast_layers unit/test_cost_% unit/test_bench_% e2e/test_plan_% \
  e2e/test_%_layers e2e/test_workloads e2e/test_literature,$(BUILD)/tests/$(t))
HOST_PROGRAMS := $(filter-out $(LONG_PROGRAMS),$(TEST_PROGRAMS)) $(TESTS_HOST)
HOST_SCRIPTS  := tests/e2e/test_cli.sh tests/e2e/test_install.sh
HOST_EMU      := $(filter %_default.so,$(EMU_LIBS))
TEST_ENV = RS_BUILD=$(abspath $(BUILD)) RS_PLATFORM_PATH=$(abspath $(BUILD)) MAKE='$(MAKE)' CC='$(CC)'
test-host: lib cli $(HOST_EMU) $(SHIMS) $(BUILD)/san/rowstation $(HOST_PROGRAMS)
	$(Q)$(TEST_ENV) RS_TEST_JOBS=2 sh tests/run.sh $(HOST_SCRIPTS) $(HOST_PROGRAMS)

_test: _build $(SHIMS) $(BUILD)/san/rowstation $(TEST_PROGRAMS) $(TESTS_HOST) $(TESTS)
	$(Q)$(TEST_ENV) sh tests/run.sh $(TEST_PROGRAMS) $(TESTS_HOST) $(TEST_SCRIPTS) $(TESTS)

test-long: deps
	$(Q)$(MAKE) _test-long
# 10,000 random layers with a new seed, the large networks, predictions for all of their layers: programs of make test, told to take longer.
TESTS_LONG += $(BUILD)/tests/unit/test_onnx_hostile $(BUILD)/tests/e2e/test_emu_layers $(BUILD)/tests/e2e/test_workloads $(BUILD)/tests/e2e/test_literature $(BUILD)/tests/e2e/test_plan_prediction
_test-long: _build $(TESTS_LONG)
	$(Q)$(TEST_ENV) RS_TEST_LAYERS=10000 RS_TEST_SEED=time RS_TEST_LONG=1 RS_TEST_TIMEOUT=86400 sh tests/run.sh $(TESTS_LONG)

# Forty points of the default sweep built as emulators and counted (docs/explore.md): an hour or two; goes on where it was cut off.
explore-count: cli
	$(Q)$(BUILD)/rowstation explore tests/workloads/mobilenet_v2.csv tests/workloads/resnet18.csv --count 20 --folder $(BUILD)/explore

# ---- install -------------------------------------------------------------------------------
LIBDIR := $(DESTDIR)$(PREFIX)/lib
install: lib cli emu sim install-built
# Only what is there already.
install-built: lib cli $(BUILD)/rowstation.pc
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(LIBDIR)/pkgconfig $(LIBDIR)/rowstation
	$(Q)install -m 755 $(BUILD)/rowstation $(DESTDIR)$(PREFIX)/bin
	$(Q)install -m 644 host/rowstation.h $(DESTDIR)$(PREFIX)/include
	$(Q)install -m 644 $(BUILD)/librowstation.a $(LIBDIR)
	$(Q)install -m 755 $(BUILD)/librowstation.so $(LIBDIR)/librowstation.so.$(VERSION)
	$(Q)ln -sf librowstation.so.$(VERSION) $(LIBDIR)/librowstation.so.$(SOVERSION)
	$(Q)ln -sf librowstation.so.$(VERSION) $(LIBDIR)/librowstation.so
	$(Q)install -m 644 $(BUILD)/rowstation.pc $(LIBDIR)/pkgconfig
	$(Q)for f in $(EMU_LIBS) $(SIM_LIBS) $(wildcard $(BUILD)/rs_sim_*) $(XRT_PROGRAMS); do [ ! -f $$f ] || install -m 755 $$f $(LIBDIR)/rowstation; done
	$(Q)install -d $(LIBDIR)/rowstation/peers; for f in $(PEERS); do [ ! -f $$f ] || install -m 755 $$f $(LIBDIR)/rowstation/peers; done
	$(SAY) INSTALL $(DESTDIR)$(PREFIX)

$(BUILD)/rowstation.pc: host/rowstation.pc.in FORCE
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(abspath $(PREFIX))|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LDLIBS)|' $< > $@

# ---- checks without running ----------------------------------------------------------------
# What each tool knows; a tool that is not there is a line.
LINT_C := $(LIB_SRC) $(CLI_SRC) $(filter-out host/examples/xrt_%,$(wildcard host/examples/*.c))
lint: $(ONNX_PB:=.h)
	$(Q)if command -v cppcheck >/dev/null; then \
	  cppcheck -q --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 $(INCLUDES) $(LINT_C); \
	else echo 'lint: cppcheck not found'; fi
	$(Q)if command -v clang >/dev/null; then \
	  for f in $(LINT_C); do clang -fsyntax-only $(filter-out -MMD -MP -fPIC,$(BASE_CFLAGS)) $(INCLUDES) $$f || exit 1; done; \
	else echo 'lint: clang not found'; fi
	$(Q)for f in .ci/run scripts/*.sh tests/*.sh tests/*/*.sh; do [ ! -f $$f ] || sh -n $$f || exit 1; done
	$(Q)if command -v shellcheck >/dev/null; then shellcheck -S warning .ci/run scripts/*.sh tests/*.sh tests/*/*.sh; \
	else echo 'lint: shellcheck not found'; fi

clean:
	$(Q)rm -rf $(BUILD)

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(LIB_SAN:.o=.d) $(CLI_SAN:.o=.d) $(TEST_SRC:%.c=$(BUILD)/san/%.d) $(TEST_HELPERS:.o=.d)
