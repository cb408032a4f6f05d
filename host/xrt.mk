# xrt.mk - what goes through XRT: the device process of its emulation, the host process of back end `xrt`, their tests.
#
#   make xrt            rs_xrt_device, librs_xrt_sleep.so; with libxrt-dev rs_xrt_host
#   make xrt-test       everything that goes through XRT
#   make kernel PLATFORM=u250|u200|u50|u55c|u280     package and link for a card (scripts/kernel/)
XRT_INCLUDE ?= /usr/include/xrt
HAVE_XRT := $(wildcard $(XRT_INCLUDE)/xrt/xrt_kernel.h)

$(BUILD)/rs_xrt_device: $(BUILD)/obj/sim/xrt_device.o $(BUILD)/librowstation.a
	$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/librs_xrt_sleep.so: $(BUILD)/obj/sim/xrt_sleep.o
	$(SAY) LD $@
	$(Q)$(CC) -shared $(LDFLAGS) $^ -ldl -o $@

XRT_PROGRAMS := $(BUILD)/rs_xrt_device $(BUILD)/librs_xrt_sleep.so
.PHONY: xrt
xrt: $(XRT_PROGRAMS)
-include $(BUILD)/obj/sim/xrt_device.d $(BUILD)/obj/sim/xrt_sleep.d
