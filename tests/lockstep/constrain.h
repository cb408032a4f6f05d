/*
 * constrain.h - what a module's inputs must keep to even in random tests, because C gives no
 * meaning to anything else: indices inside arrays, shifts below 32.  Everything else may come.
 */
#ifndef RS_TEST_CONSTRAIN_H
#define RS_TEST_CONSTRAIN_H
#include <type_traits>

struct glb_bank_in;
struct output_stage_in;

template <class T> void constrain(T &in)
{
    (void)in;
    if constexpr (std::is_same<T, struct glb_bank_in>::value) {
        in.read_row = in.read_row % RS_GLB_BANK_DEPTH;
        in.write_row = in.write_row % RS_GLB_BANK_DEPTH;
    }
    if constexpr (std::is_same<T, struct output_stage_in>::value) {
        /* 2 * PAIRS <= B (docs/isa.md) */
        uint32_t &word = in.group.words[RS_WORD_PAIRS];
        const uint32_t pairs = 1 + (word >> RS_LSB_PAIRS) % (RS_BLOCK / 2);

        word = (word & ~(31u << RS_LSB_PAIRS)) | pairs << RS_LSB_PAIRS;
    }
}

#endif
