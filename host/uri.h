/* uri.h - a device's name taken apart: KIND[:PRESET][?OPTION=VALUE[&...]], xrt:INDEX or xrt:BDF. */
#ifndef RS_URI_H
#define RS_URI_H
#include "status.h"

struct rs_uri {
    char     kind[16];            /* "cpu", "emu", "sim", "xrt"                              */
    bool     round_onnx;          /* cpu: ONNX models as ONNX Runtime rounds them            */
    uint32_t threads;             /* cpu: of one layer                                       */
    char     preset[32];          /* never empty for emu and sim; xrt: "0" or "0000:3b:00.1" */
    uint32_t latency, bytes, outstanding, cores, clock_mhz;
    bool     shared, trace;
    uint64_t hostile, mem_bytes, mem_base, timeout_cycles;
    uint32_t pace, replay;        /* percent of the modelled time; answers kept a model      */
    bool     fault_read, fault_write;
    uint64_t fault_address;

    /* xrt */
    char     xclbin[1024];        /* "": environment ROWSTATION_XCLBIN                       */
    char     kernel[32];          /* "rs"                                                    */
    char     cu[128];             /* names with `,` between them; "": the first of the kernel */
    uint32_t shared_cu, self_test; /* self_test: 2 is "on a card"                            */
    uint32_t wait_seconds, stall_seconds;
};

/**
 * rs_uri_parse() - see rs_open() for what a name may be.
 * Errors: RS_ERR_ARG (unknown kind, option or malformed value); RS_ERR_RANGE.
 */
RS_MUST_CHECK rs_status rs_uri_parse(const char *text, struct rs_uri *uri, struct rs_error *err);

/**
 * rs_uri_choose() - the name to open when the program may have given none.
 * @uri:  NULL: environment ROWSTATION_TARGET, XCL_EMULATION_MODE, else "cpu"
 * @note: receives a sentence where an alias was used, else NULL
 * Returns the name, or NULL with a message for an XCL_EMULATION_MODE that we do not know.
 */
const char *rs_uri_choose(const char *uri, const char **note, struct rs_error *err);
#endif
