# sim.mk - emulation and simulation: librs_emu_PRESET.so, and librs_sim_PRESET.so with rs_sim_PRESET.
#
#   make emu sim                         the presets of EMU_PRESETS and SIM_PRESETS
#   make emu sim PRESET=small            one of hw/config/
#   make emu sim PRESET=path/mine.h      a user's own; the file must define RS_PRESET_NAME "mine"
#   make sim-wave PRESET=small           rs_sim_small_trace, which writes waveforms and checks asserts
#
# Every preset has one work folder, $(BUILD)/sim/PRESET: emu/ objects, soa/ C that hlsc makes, v/ Verilog, fast/ and trace/
# Verilated C++.  Verilator runs only when the Verilog has changed, not whenever hlsc has run.
PRESET      ?=
ALL_PRESETS := $(filter-out config,$(basename $(notdir $(wildcard hw/config/*.h))))
EMU_PRESETS ?= $(if $(PRESET),$(PRESET),$(ALL_PRESETS))
SIM_PRESETS ?= $(if $(PRESET),$(PRESET),default small tiny)

CXX      ?= c++
HLSC     ?= $(BUILD)/hlsc
HW_SRC   := $(sort $(wildcard hw/*.c hw/cells/*.c))
HW_DEPS  := $(sort $(wildcard hw/*.h hw/cells/*.h hw/config/*.h))

# Clocked C for the host: pragmas are hlsc's business, and it narrows constants on purpose.
HW_CFLAGS  ?= -O3 -march=native
SIM_CFLAGS := $(BASE_CFLAGS) -Wno-unknown-pragmas -Wno-overflow
SIM_CXXFLAGS := -std=gnu++17 -O2 -fPIC -Wall -Wextra -Werror -MMD -MP -pthread
VERILATOR      ?= verilator
VERILATOR_LINT := -Wno-SYMRSVDWORD
VERILATOR_FLAGS := --cc -O3 --x-assign fast --x-initial fast --top-module core

# What Verilator makes runs a sixth faster from clang, which hlsc needs anyway.
VERILATED_CXX ?= $(if $(shell command -v clang++ 2>/dev/null),clang++,$(CXX))

# ---- is what sim needs there? ----------------------------------------------------------------
HASH := \#
cxx_have = $(shell printf '$(HASH)if !__has_include(<$(1)>)\n$(HASH)error\n$(HASH)endif\n' | $(CXX) -E -x c++ - >/dev/null 2>&1 && echo 1)
SIM_MISSING := $(strip \
  $(if $(shell command -v $(VERILATOR) 2>/dev/null),,verilator) \
  $(if $(call cxx_have,systemc),,libsystemc-dev) \
  $(if $(shell command -v clang 2>/dev/null),,clang) \
  $(if $(call cxx_have,json-c/json.h),,libjson-c-dev))
# emu is made of hw/ by hlsc (structures of arrays) where clang and json-c are there, else of hw/ as it is; for a trace, always the latter.
SOA_READY := $(if $(filter clang libjson-c-dev,$(SIM_MISSING)),,1)
VERILATOR_ROOT := $(if $(filter verilator,$(SIM_MISSING)),,$(shell $(VERILATOR) --getenv VERILATOR_ROOT 2>/dev/null))
VERILATED := $(VERILATOR_ROOT)/include
VERILATED_FLAGS = -std=gnu++17 -w -fPIC -fvisibility=hidden -faligned-new -fcf-protection=none -pthread -DVM_COVERAGE=0 -DVM_SC=0 \
  -DVM_TRACE_VCD=0 -isystem $(VERILATED) -isystem $(VERILATED)/vltstd

# ---- the platforms around one core ---------------------------------------------------------------
# $(call platform,WORK,OUT,NAME,PRESET_FILE,SOURCES,DEPS,INCLUDES)
#   WORK: folder of intermediate files; OUT: folder of the results; NAME: RS_PRESET_NAME;
#   WORK/trace, a variable: what reads a trace off the core's registers, if not sim/trace
#   PRESET_FILE: as #include'd by hw/config/config.h, empty for the default; SOURCES: clocked C of the core
define platform
$(1)/flags := $(7) -Ihw -Isim $(if $(4),-DRS_PRESET_FILE='"$(4)"')

$(1)/emu/%.o: %.c $(BUILD)/config
	$$(SAY) CC-EMU '$$< ($(3))'
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(SIM_CFLAGS) $$(HW_CFLAGS) $$($(1)/flags) -c $$< -o $$@

$(1)/soa/core_soa.c: $(5) $(6) $$(HLSC) $(1)/v/.list
	$$(SAY) HLSC '$$@'
	@mkdir -p $$(@D)
	$$(Q)$$(HLSC) $$($(1)/flags) --soa $$@ --top core $(5)
$(1)/soa/core_soa.o: $(1)/soa/core_soa.c $(BUILD)/config
	$$(SAY) CC $$@
	$$(Q)$$(CC) $$(filter-out $$(WARNINGS),$$(SIM_CFLAGS)) -w -fwrapv $$(HW_CFLAGS) $$($(1)/flags) -c $$< -o $$@
$(if $(SOA_READY),$(1)/emu/sim/emu_platform.o: SIM_CFLAGS += -DRS_CORES=soa_cores -DRS_KIND='"emu"')

$(2)/librs_emu_$(3).so: $(if $(SOA_READY),$(1)/soa/core_soa.o $(1)/emu/sim/soa_cores.o) $(patsubst %.c,$(1)/emu/%.o,$(5)) \
    $(patsubst %,$(1)/emu/sim/%.o,emu_platform emu_cores board memory storage) $(1)/emu/$(or $($(1)/trace),sim/trace).o
	$$(SAY) LD $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -shared $$(HW_CFLAGS) $$(LDFLAGS) $$^ -o $$@

# Verilog, and a mark that moves only when its text does.
$(1)/v/.list: FORCE
	@mkdir -p $$(@D); echo '$(5)' | cmp -s - $$@ || echo '$(5)' > $$@
$(1)/v/.ran: $(5) $(6) $$(HLSC) $(1)/v/.list
	$$(SAY) HLSC '$(3)'
	@mkdir -p $$(@D) && rm -rf $(1)/v.new && mkdir -p $(1)/v.new
	$$(Q)$$(HLSC) $$($(1)/flags) -o $(1)/v.new $(5)
	$$(Q)$$(HLSC) $$($(1)/flags) --glue $(1)/v.new/core_glue.h $(filter %/core.c,$(5))
	@cmp -s $(1)/v.new/core_glue.h $(1)/core_glue.h || cp $(1)/v.new/core_glue.h $(1)/core_glue.h
	@rm $(1)/v.new/core_glue.h
	@diff -rq -x '.*' $(1)/v.new $(1)/v >/dev/null 2>&1 || touch $(1)/v/.changed
	@for f in $(1)/v/*.v; do test -e $(1)/v.new/$$$${f##*/} || rm -f $$$$f; done
	@for f in $(1)/v.new/*.v; do cmp -s $$$$f $(1)/v/$$$${f##*/} || mv $$$$f $(1)/v/; done
	@rm -rf $(1)/v.new && touch $$@
$(1)/v/.changed: $(1)/v/.ran ;
$(1)/v/%.v: $(1)/v/.ran ;
$(1)/core_glue.h: $(1)/v/.ran ;

$(foreach build,fast trace,
$(1)/$(build)/Vcore.mk: $(1)/v/.changed
	$$(SAY) VERILATE '$(3)$(if $(filter trace,$(build)), (trace))'
	@rm -rf $$(@D) && mkdir -p $$(@D)
	$$(Q)$$(VERILATOR) $$(VERILATOR_FLAGS) $$(VERILATOR_LINT) $(if $(filter trace,$(build)),--trace-fst --trace-structs --assert,--noassert) \
	  --Mdir $$(@D) -y $(1)/v $(1)/v/core.v

# Two big files instead of dozens of small ones: what runs at every clock, and what runs once.
$(1)/$(build)/fast.o: $(1)/$(build)/Vcore.mk sim/verilated_signs.h
	$$(SAY) CXX '$$@'
	$$(Q)ls $$(@D)/Vcore*.cpp | grep -v -e Slow -e __Syms | sed 's|.*/\(.*\)|$$(HASH)include "\1"|' > $$(@D)/fast.cc
	$$(Q)$$(VERILATED_CXX) $$(VERILATED_FLAGS) -include sim/verilated_signs.h $(if $(filter trace,$(build)),-DVM_TRACE=1 -DVM_TRACE_FST=1 -O1,-DVM_TRACE=0 -DVM_TRACE_FST=0 -O2 -march=native) -c $$(@D)/fast.cc -o $$@
$(1)/$(build)/slow.o: $(1)/$(build)/Vcore.mk
	$$(SAY) CXX '$$@'
	$$(Q)ls $$(@D)/Vcore*.cpp | grep -e Slow -e __Syms | sed 's|.*/\(.*\)|$$(HASH)include "\1"|' > $$(@D)/slow.cc
	$$(Q)$$(CXX) $$(VERILATED_FLAGS) $(if $(filter trace,$(build)),-DVM_TRACE=1 -DVM_TRACE_FST=1,-DVM_TRACE=0 -DVM_TRACE_FST=0) -O0 -c $$(@D)/slow.cc -o $$@

$(1)/$(build)/rtl_cores.o: sim/rtl_cores.cpp $(1)/$(build)/Vcore.mk $(1)/core_glue.h
	$$(SAY) CXX '$$< ($(3))'
	$$(Q)$$(CXX) $$(SIM_CXXFLAGS) $$($(1)/flags) -I$(1) -I$(1)/$(build) -isystem $$(VERILATED) -isystem $$(VERILATED)/vltstd \
	  -DVM_TRACE=$(if $(filter trace,$(build)),1 -DVM_TRACE_FST=1,0) -c $$< -o $$@

$(2)/rs_sim_$(3)$(if $(filter trace,$(build)),_trace): $(1)/server/sim_server.o $(1)/$(build)/rtl_cores.o \
    $(1)/$(build)/fast.o $(1)/$(build)/slow.o $(patsubst %,$(1)/server/%.o,board memory storage) \
    $(patsubst %,$$(BUILD)/sim/verilated/%.o,verilated verilated_threads $(if $(filter trace,$(build)),verilated_fst_c))
	$$(SAY) LD $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CXX) $$(LDFLAGS) $$^ -lsystemc $(if $(filter trace,$(build)),-lz) -pthread -o $$@
)
$(1)/server/%.o: sim/%.cpp
	$$(SAY) CXX '$$< ($(3))'
	@mkdir -p $$(@D)
	$$(Q)$$(CXX) $$(SIM_CXXFLAGS) $$($(1)/flags) -c $$< -o $$@

$(1)/server/%.o: sim/%.c $(BUILD)/config
	$$(SAY) CC '$$< ($(3))'
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(SIM_CFLAGS) $$(HW_CFLAGS) $$($(1)/flags) -c $$< -o $$@

$(2)/librs_sim_$(3).so: $(patsubst %,$(1)/server/%.o,sim_platform board memory storage) | $(2)/rs_sim_$(3)
	$$(SAY) LD $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -shared $$(LDFLAGS) $$^ -ldl -o $$@

-include $$(wildcard $(1)/emu/*.d $(1)/emu/*/*.d $(1)/emu/*/*/*.d $(1)/emu/*/*/*/*.d $(1)/server/*.d $(1)/fast/rtl_cores.d $(1)/trace/rtl_cores.d)
endef

$(BUILD)/sim/verilated/%.o: $(VERILATED)/%.cpp
	$(SAY) CXX $(<F)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=gnu++17 -O2 -fPIC -fvisibility=hidden -pthread -I$(VERILATED) -I$(VERILATED)/vltstd -c $< -o $@

# ---- around the accelerator -------------------------------------------------------------------------
preset_name = $(basename $(notdir $(1)))
preset_file = $(if $(filter %.h,$(1)),$(abspath $(1)),$(if $(filter default,$(1)),,$(1).h))
check_preset = $(if $(filter %.h,$(1)),$(if $(shell grep -q 'define *RS_PRESET_NAME *"$(call preset_name,$(1))"' $(1) && echo 1),,\
  $(error PRESET=$(1): the file must exist and define RS_PRESET_NAME "$(call preset_name,$(1))")),\
  $(if $(wildcard hw/config/$(1).h),,$(error PRESET=$(1): no hw/config/$(1).h; there are: $(ALL_PRESETS))))

$(foreach p,$(sort $(EMU_PRESETS) $(SIM_PRESETS)),$(call check_preset,$(p))\
  $(eval $(call platform,$(BUILD)/sim/$(call preset_name,$(p)),$(BUILD),$(call preset_name,$(p)),$(call preset_file,$(p)),$(HW_SRC),$(HW_DEPS) $(filter %.h,$(p)),)))

EMU_LIBS += $(foreach p,$(EMU_PRESETS),$(BUILD)/librs_emu_$(call preset_name,$(p)).so)
SIM_READY := $(if $(SIM_MISSING),,1)
ifneq ($(wildcard hw/core.c),)
SIM_LIBS += $(if $(SIM_READY),$(foreach p,$(SIM_PRESETS),$(BUILD)/rs_sim_$(call preset_name,$(p)) $(BUILD)/librs_sim_$(call preset_name,$(p)).so))
else
EMU_LIBS :=
endif

.PHONY: sim-missing sim-wave
sim: sim-missing
sim-missing:
	$(if $(SIM_MISSING),@echo 'sim: not built: $(SIM_MISSING) not found')
sim-wave: $(if $(SIM_READY),$(foreach p,$(SIM_PRESETS),$(BUILD)/rs_sim_$(call preset_name,$(p))_trace),sim-missing)

# ---- tests -------------------------------------------------------------------------------------------
COPY := $(BUILD)/lockstep/copy
$(COPY)/trace := tests/lockstep/copycore/trace
$(eval $(call platform,$(COPY),$(COPY)_default,default,,tests/lockstep/copycore/core.c,tests/lockstep/copycore/core.h hw/core.h hw/isa.h hw/config/config.h,-Itests/lockstep/copycore))

# tiny, where a block RAM's read of what is being written gives garbage, as an ECP5's may (scripts/fpga/ecp5.sh): nobody notices.
$(eval $(call platform,$(BUILD)/sim/collide,$(BUILD),collide,tiny.h,$(HW_SRC),$(HW_DEPS),-DRS_COLLISION_GARBAGE))
$(BUILD)/tests/e2e/test_emu_layers: | $(if $(wildcard hw/core.c),$(BUILD)/librs_emu_collide.so)

$(BUILD)/tests/unit/test_memory: $(BUILD)/san/sim/memory.o $(BUILD)/san/sim/storage.o

# The same program twice: emu alone needs no tools.
$(BUILD)/tests/lockstep/test_platform: $(BUILD)/san/tests/lockstep/test_platform.o \
    | $(COPY)_default/librs_emu_default.so
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) $^ $(LDLIBS) -o $@
$(BUILD)/tests/lockstep/test_platform_sim: $(BUILD)/tests/lockstep/test_platform \
    | $(COPY)_default/librs_sim_default.so $(COPY)_default/rs_sim_default_trace
	$(Q)cp $< $@
-include $(BUILD)/san/tests/lockstep/test_platform.d $(BUILD)/san/sim/memory.d $(BUILD)/san/sim/storage.d
TESTS_HOST += $(BUILD)/tests/lockstep/test_platform
TESTS      += $(if $(SIM_READY),$(BUILD)/tests/lockstep/test_platform_sim)

# Every module in lockstep with its Verilog, in one program; the preset decides how long that takes.
LOCKSTEP_PRESET ?= tiny
LOCKSTEP := $(BUILD)/lockstep/$(LOCKSTEP_PRESET)
LOCKSTEP_V := $(BUILD)/sim/$(LOCKSTEP_PRESET)/v
LOCKSTEP_FLAGS := $($(BUILD)/sim/$(LOCKSTEP_PRESET)/flags) -Ihw/cells
LOCKSTEP_MODULES := $(basename $(notdir $(HW_SRC)))
LOCKSTEP_CXXFLAGS := -std=gnu++17 -O1 -Wall -Wextra -Wno-unused-parameter -MMD -MP -pthread -DNDEBUG

$(LOCKSTEP)/c/%.o: %.c $(BUILD)/config
	$(SAY) CC '$< (lockstep)'
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_CFLAGS) -O1 -DNDEBUG -Wno-unused $(LOCKSTEP_FLAGS) -c $< -o $@

define lockstep
$(LOCKSTEP)/$(1)_glue.h: $(2) $(HW_DEPS) $$(HLSC)
	$$(SAY) HLSC '$(1) (glue)'
	@mkdir -p $$(@D)
	$$(Q)$$(HLSC) $$(LOCKSTEP_FLAGS) --glue $$@ $(2)
$(LOCKSTEP)/$(1)/L$(1).mk: $(LOCKSTEP_V)/$(1).v
	$$(SAY) VERILATE '$(1) (lockstep)'
	@rm -rf $$(@D) && mkdir -p $$(@D)
	$$(Q)sed 's/^module $(1) /module $(1)_top /' $$< > $$(@D)/$(1)_top.v   # Verilator: no port may have the top's name
	$$(Q)$$(VERILATOR) --cc -O3 --x-assign fast --x-initial fast --noassert $$(VERILATOR_LINT) --top-module $(1)_top --prefix L$(1) \
	  --Mdir $$(@D) -y $(LOCKSTEP_V) $$(@D)/$(1)_top.v
$(LOCKSTEP)/$(1)/L$(1)__ALL.a: $(LOCKSTEP)/$(1)/L$(1).mk
	$$(SAY) CXX $$@
	+$$(Q)$$(MAKE) -s -C $$(@D) -f L$(1).mk OPT_FAST=-O1 OPT_SLOW=-O0 VM_PARALLEL_BUILDS=0 L$(1)__ALL.a > $$(@D)/log 2>&1 || { cat $$(@D)/log; exit 1; }
$(LOCKSTEP)/$(1)/module.o: tests/lockstep/module.cpp $(LOCKSTEP)/$(1)_glue.h $(LOCKSTEP)/$(1)/L$(1).mk
	$$(SAY) CXX '$$< ($(1))'
	$$(Q)$$(CXX) $$(LOCKSTEP_CXXFLAGS) $$(LOCKSTEP_FLAGS) -I$(LOCKSTEP) -I$(LOCKSTEP)/$(1) -isystem $$(VERILATED) -isystem $$(VERILATED)/vltstd \
	  -DMODULE=$(1) -DMODEL=L$(1) -DMODEL_HEADER='"L$(1).h"' -DGLUE_HEADER='"$(1)_glue.h"' -c $$< -o $$@
-include $(LOCKSTEP)/$(1)/L$(1)__ver.d $(LOCKSTEP)/$(1)/module.d
endef
$(foreach f,$(HW_SRC),$(eval $(call lockstep,$(basename $(notdir $(f))),$(f))))

$(LOCKSTEP)/test_modules.o: tests/lockstep/test_modules.cpp
	$(SAY) CXX $<
	@mkdir -p $(@D)
	$(Q)$(CXX) $(LOCKSTEP_CXXFLAGS) -c $< -o $@
$(BUILD)/tests/lockstep/test_modules_$(LOCKSTEP_PRESET): $(LOCKSTEP)/test_modules.o \
    $(foreach m,$(LOCKSTEP_MODULES),$(LOCKSTEP)/$(m)/module.o $(LOCKSTEP)/$(m)/L$(m)__ALL.a) $(HW_SRC:%.c=$(LOCKSTEP)/c/%.o) \
    $(BUILD)/sim/verilated/verilated.o $(BUILD)/sim/verilated/verilated_threads.o
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CXX) $^ -pthread -o $@
TESTS += $(if $(SIM_READY),$(if $(wildcard hw/core.c),$(BUILD)/tests/lockstep/test_modules_$(LOCKSTEP_PRESET)))
-include $(LOCKSTEP)/test_modules.d $(wildcard $(LOCKSTEP)/c/*/*.d $(LOCKSTEP)/c/*/*/*.d)

# The PE's products against plain arithmetic, in C and in Verilog.
$(BUILD)/tests/lockstep/test_lanes: tests/lockstep/test_lanes.cpp $(LOCKSTEP)/pe_glue.h $(LOCKSTEP)/pe/Lpe__ALL.a \
    $(LOCKSTEP)/c/hw/pe.o $(LOCKSTEP)/c/hw/cells/mul2.o $(BUILD)/sim/verilated/verilated.o $(BUILD)/sim/verilated/verilated_threads.o
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CXX) $(LOCKSTEP_CXXFLAGS) -O2 $(LOCKSTEP_FLAGS) -I$(LOCKSTEP) -I$(LOCKSTEP)/pe -isystem $(VERILATED) -isystem $(VERILATED)/vltstd \
	  $(filter %.cpp %.a %.o,$^) -pthread -o $@
TESTS += $(if $(SIM_READY),$(BUILD)/tests/lockstep/test_lanes)

# The whole core in lockstep, over random layers: a platform of all three in one.  Its C powers up with
# garbage, which asserts would not understand.
LOCKSTEP_SIM := $(BUILD)/sim/$(LOCKSTEP_PRESET)
$(LOCKSTEP)/c/sim/emu_cores.o: LOCKSTEP_FLAGS += -DRS_POWER_UP_GARBAGE
$(LOCKSTEP)/c/sim/emu_platform.o: LOCKSTEP_FLAGS += -DRS_CORES=lockstep_cores -DRS_KIND='"lockstep"'
$(BUILD)/librs_lockstep_$(LOCKSTEP_PRESET).so: $(HW_SRC:%.c=$(LOCKSTEP)/c/%.o) $(LOCKSTEP)/c/tests/lockstep/lockstep_cores.o \
    $(LOCKSTEP_SIM)/soa/core_soa.o $(patsubst %,$(LOCKSTEP)/c/sim/%.o,emu_platform emu_cores soa_cores trace board memory storage) \
    $(LOCKSTEP_SIM)/fast/rtl_cores.o $(LOCKSTEP_SIM)/fast/fast.o $(LOCKSTEP_SIM)/fast/slow.o \
    $(BUILD)/sim/verilated/verilated.o $(BUILD)/sim/verilated/verilated_threads.o
	$(SAY) LD $@
	$(Q)$(CXX) -shared $(LDFLAGS) $^ -pthread -o $@
$(BUILD)/tests/lockstep/test_core: $(BUILD)/san/tests/lockstep/test_core.o $(BUILD)/san/librowstation.a | $(BUILD)/librs_lockstep_$(LOCKSTEP_PRESET).so
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) -rdynamic $^ $(LDLIBS) -o $@
TESTS += $(if $(SIM_READY),$(if $(wildcard hw/core.c),$(BUILD)/tests/lockstep/test_core))
-include $(BUILD)/san/tests/lockstep/test_core.d

# At length, with a new seed each time; LOCKSTEP_PRESET=default (or small) for other presets.
define long_test
$(BUILD)/tests/lockstep/long_$(1): $(2)
	$$(Q)printf '%s\n' '#!/bin/sh' 'seed=$$$${RS_SEED:-$$$$(date +%s)}' 'echo "  $(1): RS_SEED=$$$$seed"' 'exec $(3)' > $$@ && chmod +x $$@
TESTS_LONG += $(if $(SIM_READY),$(if $(wildcard hw/core.c),$(BUILD)/tests/lockstep/long_$(1)))
endef
$(eval $(call long_test,modules,$(BUILD)/tests/lockstep/test_modules_$(LOCKSTEP_PRESET),$(abspath $(BUILD))/tests/lockstep/test_modules_$(LOCKSTEP_PRESET) $$$$seed 2000000))
$(eval $(call long_test,core,$(BUILD)/tests/lockstep/test_core,$(abspath $(BUILD))/tests/lockstep/test_core $(LOCKSTEP_PRESET) $$$$seed 5000))
