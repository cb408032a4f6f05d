# fuzz.mk - hostile files: a fixed set in make test, libFuzzer in make test-long (clang; RS_FUZZ_SECONDS for each reader).
$(BUILD)/tests/fuzz/hostile: $(BUILD)/san/tests/fuzz/hostile.o $(BUILD)/san/tests/fuzz/readers.o $(BUILD)/san/librowstation.a
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) $^ $(LDLIBS) -o $@
TESTS += $(BUILD)/tests/fuzz/hostile

FUZZERS  := tflite onnx plan xclbin csv
FUZZ_CC  ?= clang
FUZZ_FLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_OBJ := $(LIB_SRC:%.c=$(BUILD)/fuzz/%.o) $(ONNX_PB:$(BUILD)/%=$(BUILD)/fuzz/%.o) $(BUILD)/fuzz/tests/fuzz/readers.o

$(FUZZ_OBJ): | $(ONNX_PB:=.h)
$(BUILD)/fuzz/gen/%.o: $(BUILD)/gen/%.c
	$(SAY) CC-FUZZ $<
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(BASE_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c $< -o $@

$(BUILD)/fuzz/%.o: %.c $(BUILD)/config $(BUILD)/config-protobuf
	$(SAY) CC-FUZZ $<
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(BASE_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(INCLUDES) $(LIB_DEFS) -c $< -o $@

$(BUILD)/fuzz/librowstation.a: $(FUZZ_OBJ)
	$(SAY) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(FUZZERS:%=$(BUILD)/tests/fuzz/fuzz_%): $(BUILD)/tests/fuzz/fuzz_%: tests/fuzz/libfuzzer.c $(BUILD)/fuzz/librowstation.a
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(BASE_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer -DREADER=fuzz_$* $(INCLUDES) $(filter %.c %.a,$^) $(LDLIBS) -MF $(BUILD)/fuzz/fuzz_$*.d -o $@

.PHONY: fuzz
fuzz: $(FUZZERS:%=$(BUILD)/tests/fuzz/fuzz_%)

# Without clang's runtime (libclang-rt-dev) the script says that it is missing.
TESTS_LONG += $(BUILD)/tests/fuzz/hostile tests/fuzz/fuzz.sh
ifneq ($(filter %test-long,$(MAKECMDGOALS)),)
ifeq ($(shell echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' | \
        $(FUZZ_CC) -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null && echo 1),1)
tests/fuzz/fuzz.sh: $(FUZZERS:%=$(BUILD)/tests/fuzz/fuzz_%)
endif
endif
-include $(FUZZ_OBJ:.o=.d) $(FUZZERS:%=$(BUILD)/fuzz/fuzz_%.d) $(BUILD)/san/tests/fuzz/hostile.d $(BUILD)/san/tests/fuzz/readers.d
