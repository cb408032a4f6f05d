# xrt.mk - what goes through XRT: the device process of its emulation, the process that holds XRT for back end `xrt`, tests.
#
#   make xrt-test       everything that goes through XRT, and dry runs of `make kernel`
#   make xrt            rs_xrt_device, librs_xrt_sleep.so; where libxrt-dev is installed rs_xrt_host and example xrt_gemm too
XRT_INCLUDE ?= /usr/include/xrt
XRT_LIBS    ?= -lxrt_coreutil -luuid
HAVE_XRT := $(wildcard $(XRT_INCLUDE)/xrt/xrt_kernel.h)
XRT_CXXFLAGS := -std=c++17 -O2 -Wall -Wextra -Werror -MMD -MP -pthread -Ihost/xrt -Ihost -Isw/base -isystem $(XRT_INCLUDE)

$(BUILD)/rs_xrt_device: $(BUILD)/obj/sim/xrt_device.o $(BUILD)/librowstation.a
	$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/librs_xrt_sleep.so: $(BUILD)/obj/sim/xrt_sleep.o
	$(SAY) LD $@
	$(Q)$(CC) -shared $(LDFLAGS) $^ -ldl -o $@

$(BUILD)/obj/host/xrt/xrt_host.o: host/xrt/xrt_host.cpp
	$(SAY) CXX $<
	@mkdir -p $(@D)
	$(Q)$(CXX) $(XRT_CXXFLAGS) -c $< -o $@

$(BUILD)/rs_xrt_host: $(BUILD)/obj/host/xrt/xrt_host.o $(BUILD)/obj/sim/xrt_sleep.o $(BUILD)/obj/host/xrt_diagnose.o
	$(SAY) LD $@
	$(Q)$(CXX) $(LDFLAGS) -Wl,--export-dynamic-symbol=sleep $^ $(XRT_LIBS) -ldl -pthread -o $@

$(BUILD)/examples/xrt_gemm: host/examples/xrt_gemm.c hw/isa.h hw/config/config.h hw/config/default.h
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -O2 -Wall -Wextra -Werror -Ihw -isystem $(XRT_INCLUDE) $< -lxrt_coreutil -o $@

XRT_PROGRAMS := $(BUILD)/rs_xrt_device $(BUILD)/librs_xrt_sleep.so $(if $(HAVE_XRT),$(BUILD)/rs_xrt_host)
.PHONY: xrt xrt-missing
xrt: $(XRT_PROGRAMS) $(if $(HAVE_XRT),$(BUILD)/examples/xrt_gemm,xrt-missing)
xrt-missing:
	@echo 'xrt: rs_xrt_host not built: no $(XRT_INCLUDE)/xrt/xrt_kernel.h (libxrt-dev)'
-include $(BUILD)/obj/sim/xrt_device.d $(BUILD)/obj/sim/xrt_sleep.d $(BUILD)/obj/host/xrt/xrt_host.d

# ---- a kernel for a card -----------------------------------------------------------------------------
#   make kernel PLATFORM=u250 [UNITS=2] [CLOCK=250] [TARGET=hw_emu] [PRESET=small]
# Writes $(BUILD)/kernel/PLATFORM, checks it, and runs its build.sh; kernel-files stops before that.
KERNEL_PRESET := $(if $(PRESET),$(PRESET),default)
KERNEL_V      := $(BUILD)/sim/$(call preset_name,$(KERNEL_PRESET))/v
KERNEL_OUT     = $(BUILD)/kernel/$(PLATFORM)
UNITS  ?= 1
CLOCK  ?= 250
TARGET ?= hw
DESCRIBE := $(BUILD)/kernel/describe_$(call preset_name,$(KERNEL_PRESET))

$(DESCRIBE): scripts/kernel/describe.c hw/isa.h sw/xclbin/kernel.h $(HW_DEPS) $(BUILD)/librowstation.a
	$(SAY) CC '$< ($(KERNEL_PRESET))'
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(BASE_CFLAGS)) $(INCLUDES) $(if $(call preset_file,$(KERNEL_PRESET)),-DRS_PRESET_FILE='"$(call preset_file,$(KERNEL_PRESET))"') \
	  $< $(BUILD)/librowstation.a $(LDLIBS) -o $@

.PHONY: kernel kernel-files
kernel-files: $(DESCRIBE) $(if $(SIM_READY),$(KERNEL_V)/.changed,sim-missing)
	$(if $(PLATFORM),,@echo 'make kernel: PLATFORM=u250|u200|u50|u55c|u280 is expected'; exit 1)
	$(SAY) GENERATE '$(KERNEL_OUT)'
	$(Q)sh scripts/kernel/generate.sh $(PLATFORM) $(UNITS) $(CLOCK) $(TARGET) $(DESCRIBE) $(KERNEL_V) $(KERNEL_OUT)
	$(Q)python3 scripts/kernel/check.py $(KERNEL_OUT) .
kernel: kernel-files
	$(Q)ROWSTATION=$${ROWSTATION:-$(abspath $(BUILD))/rowstation} sh $(KERNEL_OUT)/build.sh
xrt: $(DESCRIBE)

# ---- tests -----------------------------------------------------------------------------------------
XRT_TESTS :=
$(BUILD)/tests/xrt/test_backend: $(BUILD)/san/tests/xrt/test_backend.o $(BUILD)/san/librowstation.a
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) -rdynamic $^ $(LDLIBS) -o $@
$(BUILD)/san/tests/xrt/test_backend_sim.o: tests/xrt/test_backend.c $(BUILD)/config
	$(SAY) CC-SAN '$< (sim)'
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(SANITIZE) $(INCLUDES) -Itests -DSIM=1 -c $< -o $@
$(BUILD)/tests/xrt/test_backend_sim: $(BUILD)/san/tests/xrt/test_backend_sim.o $(BUILD)/san/librowstation.a
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) -rdynamic $^ $(LDLIBS) -o $@
XRT_TESTS += $(BUILD)/tests/xrt/test_backend $(if $(SIM_READY),$(BUILD)/tests/xrt/test_backend_sim)
XRT_TESTS += tests/xrt/test_emu_env.sh tests/xrt/test_kernel.sh

.PHONY: xrt-test _xrt-test
xrt-test: deps
	$(Q)$(MAKE) _xrt-test
_xrt-test: _build $(BUILD)/shim/librs_emu_hang.so $(filter-out %.sh,$(XRT_TESTS))
	$(Q)$(TEST_ENV) sh tests/run.sh $(XRT_TESTS)
_build: xrt
TESTS += $(XRT_TESTS)
-include $(BUILD)/san/tests/xrt/test_backend.d $(BUILD)/san/tests/xrt/test_backend_sim.d
