# cost.mk - sw/cost/builtin.c holds the files of sw/cost/data/.
$(BUILD)/obj/sw/cost/builtin.o $(BUILD)/san/sw/cost/builtin.o: $(wildcard sw/cost/data/*.txt)
