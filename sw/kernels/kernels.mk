# kernels.mk - the peers of `rowstation bench-cpu`: one shared object for each library that is installed.
PEER_DIR := $(BUILD)/peers
PEERS := $(PEER_DIR)/librs_peer_onnxruntime.so \
         $(if $(and $(call have,xnnpack.h),$(call have,pthreadpool.h)),$(PEER_DIR)/librs_peer_xnnpack.so) \
         $(if $(call have,oneapi/dnnl/dnnl.h),$(PEER_DIR)/librs_peer_onednn.so) \
         $(if $(and $(wildcard /usr/include/gemmlowp/public/gemmlowp.h),$(findstring x86_64,$(shell $(CXX) -dumpmachine))),$(PEER_DIR)/librs_peer_gemmlowp.so) \
         $(PEER_DIR)/networks.py
PEER_INC := -Ihost -Isw/base -Isw/kernels -Isw/kernels/peers

.PHONY: peers
peers: $(PEERS)
cli: $(PEERS)

$(PEER_DIR)/librs_peer_%.so: sw/kernels/peers/%.c sw/kernels/peers/peer.h sw/kernels/bench.h
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(BASE_CFLAGS)) $(CFLAGS) $(PEER_INC) -shared $< -o $@ $(if $(filter xnnpack,$*),-lXNNPACK -lpthreadpool,-ldl)

$(PEER_DIR)/librs_peer_%.so: sw/kernels/peers/%.cpp sw/kernels/peers/peer.h sw/kernels/bench.h
	$(SAY) CXX $<
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 $(PEER_FLAGS) -fPIC -fvisibility=hidden -Wall -Wextra -Werror $(PEER_INC) -shared $< -o $@ $(PEER_LIBS)

$(PEER_DIR)/librs_peer_onednn.so: PEER_FLAGS := -O2 -fopenmp
$(PEER_DIR)/librs_peer_onednn.so: PEER_LIBS := -ldnnl
$(PEER_DIR)/librs_peer_gemmlowp.so: PEER_FLAGS := -O3 -mavx2 -mfma -fno-math-errno -fno-trapping-math -DGEMMLOWP_ENABLE_AVX2 -isystem /usr/include/gemmlowp
$(PEER_DIR)/librs_peer_gemmlowp.so: PEER_LIBS := -pthread

$(PEER_DIR)/networks.py: sw/kernels/peers/networks.py
	@mkdir -p $(@D)
	$(Q)cp $< $@

# 10^8 accumulators for each rounding; make test has 10^6.
TESTS_LONG += $(BUILD)/tests/unit/test_rounding_campaign
