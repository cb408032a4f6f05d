# fpga.mk - area and clock from open tools.  Neither is part of make test: minutes to hours of CPU time.
#
#   make area                    Yosys: every module, UltraScale+ and 7 series (docs/area.md); AREA_PRESETS="default small tiny"
#   make ecp5                    preset small on an ECP5-85F, placed and routed by nextpnr; ECP5_MODULES="pe foot" for single modules
.PHONY: area ecp5
AREA_PRESETS ?= default small tiny
ECP5_PRESET  ?= small
ECP5_MODULES ?= core

area: $(foreach p,$(AREA_PRESETS),$(BUILD)/sim/$(p)/v/.ran)
	$(Q)BUILD=$(BUILD) sh scripts/fpga/area.sh $(AREA_PRESETS)
ecp5: $(BUILD)/sim/$(ECP5_PRESET)/v/.ran
	$(Q)BUILD=$(BUILD) sh scripts/fpga/ecp5.sh $(ECP5_PRESET) $(ECP5_MODULES)
