/*
 * xclbin.h - xclbin files ("axlf", version 2) without XRT: what is in one, checked; and writing one for emulation.
 *
 * Reads what Vitis writes as well as our own, as far as a driver needs it.  Never trusts a number in a file.
 * Source: XRT src/runtime_src/core/include/xclbin.h; common/xclbin_parser.cpp for the XML.
 */
#ifndef RS_XCLBIN_H
#define RS_XCLBIN_H
#include "platform.h"
#include "status.h"

enum rs_xclbin_mode { RS_XCLBIN_HW = 0, RS_XCLBIN_HW_PR = 1, RS_XCLBIN_HW_EMU = 4, RS_XCLBIN_SW_EMU = 5, RS_XCLBIN_HW_EMU_PR = 6 };

enum rs_xclbin_section_kind {
    RS_XCLBIN_BITSTREAM = 0, RS_XCLBIN_EMBEDDED_METADATA = 2, RS_XCLBIN_MEM_TOPOLOGY = 6, RS_XCLBIN_CONNECTIVITY = 7,
    RS_XCLBIN_IP_LAYOUT = 8, RS_XCLBIN_CLOCK_FREQ_TOPOLOGY = 11, RS_XCLBIN_USER_METADATA = 16
};

enum {
    RS_XCLBIN_MAX_KERNELS = 4, RS_XCLBIN_MAX_ARGS = 16, RS_XCLBIN_MAX_CUS = 32, RS_XCLBIN_MAX_MEMORIES = 64,
    RS_XCLBIN_MAX_CONNECTIONS = 256, RS_XCLBIN_MAX_CLOCKS = 8
};

enum { RS_MEMORY_DDR4 = 1, RS_MEMORY_HBM = 6 };       /* MEM_TYPE                                   */

struct rs_xclbin_arg {
    char     name[32], port[32], type[32];
    uint32_t id, qualifier, offset, bytes;
};
struct rs_xclbin_kernel {
    char     name[64];
    uint32_t n_args;
    struct rs_xclbin_arg args[RS_XCLBIN_MAX_ARGS];
};
struct rs_xclbin_cu {
    char     name[64];                                /* "rs:rs_1"                                  */
    uint32_t properties;
    uint64_t base;
};
struct rs_xclbin_memory {
    char     tag[16];                                 /* "bank0", "HBM[0]"                          */
    uint8_t  type;
    bool     used;
    uint64_t kilobytes, base;
};
struct rs_xclbin_connection { uint32_t arg, cu, memory; };
struct rs_xclbin_clock { char name[128]; uint16_t mhz; uint8_t type; };

struct rs_xclbin {
    uint16_t mode;                                    /* enum rs_xclbin_mode                        */
    uint8_t  uuid[16], interface_uuid[16];
    char     platform[64];                            /* VBNV: "xilinx:u250:gen3x16_xdma:4.1"       */
    char     project[64], part[64];
    uint64_t timestamp;
    uint32_t n_kernels, n_cus, n_memories, n_connections, n_clocks;
    struct rs_xclbin_kernel kernels[RS_XCLBIN_MAX_KERNELS];
    struct rs_xclbin_cu cus[RS_XCLBIN_MAX_CUS];
    struct rs_xclbin_memory memories[RS_XCLBIN_MAX_MEMORIES];
    struct rs_xclbin_connection connections[RS_XCLBIN_MAX_CONNECTIONS];
    struct rs_xclbin_clock clocks[RS_XCLBIN_MAX_CLOCKS];
};

/**
 * rs_xclbin_read() - take an xclbin apart.
 * @bytes: [@size] the whole file
 * Errors: RS_ERR_FORMAT (not an xclbin, cut short, a section that does not fit, more of something than we hold).
 */
RS_MUST_CHECK rs_status rs_xclbin_read(const uint8_t *bytes, size_t size, struct rs_xclbin *x, struct rs_error *err);

/* A section's bytes, inside @bytes; false: there is none.  @bytes have passed rs_xclbin_read(). */
bool rs_xclbin_section(const uint8_t *bytes, size_t size, enum rs_xclbin_section_kind kind, const uint8_t **data,
                       size_t *data_size);

/* A file for the zip archive of an emulation xclbin; @executable: XRT starts it. */
struct rs_zip_file { const char *name; const void *data; size_t bytes; bool executable; };

/**
 * rs_xclbin_write() - an xclbin with the sections that XRT's emulation reads.
 * @x:     everything in it but uuid and timestamp, which follow from the content: the same content, the same bytes
 * @files: into the BITSTREAM section
 * @user:  text of the USER_METADATA section
 * @bytes: [@size], free() them
 * Errors: RS_ERR_NOMEM; RS_ERR_RANGE (a count, a name or an address that the format or XRT does not allow).
 */
RS_MUST_CHECK rs_status rs_xclbin_write(const struct rs_xclbin *x, const struct rs_zip_file *files, size_t n_files,
                                        const char *user, uint8_t **bytes, size_t *size, struct rs_error *err);

/* One file of a zip archive of stored members, inside @zip; false: it is not there, or the archive is damaged. */
bool rs_zip_find(const uint8_t *zip, size_t size, const char *name, const uint8_t **data, size_t *bytes, bool *executable);

/* ---- the accelerator in an xclbin ------------------------------------------------------------- */

/* What an emulation xclbin is made for. */
struct rs_emulation {
    struct rs_hw_config config;
    char     kind[8];                                 /* "sim", "emu"                               */
    uint32_t cards_cores;                             /* compute units, 1..2                        */
    uint32_t banks;                                   /* memory banks, 1..4; the units use the last */
    uint64_t bank_bytes, memory_base;
    struct rs_mem_timing timing;
    uint32_t clock_mhz;
};

#define RS_EMULATION_CU_BASE   0x1800000u             /* CU i is at this + i * RS_EMULATION_CU_STEP */
#define RS_EMULATION_CU_STEP   0x10000u
#define RS_EMULATION_TEXT_MAX  4096

/* The same as text, "key value" lines: USER_METADATA, and rowstation.cfg for the device process. */
void rs_emulation_text(const struct rs_emulation *e, char text[RS_EMULATION_TEXT_MAX]);
/* Of a real card's xclbin the text may have the configuration alone: kind is "" then.  RS_ERR_FORMAT. */
RS_MUST_CHECK rs_status rs_emulation_parse(const char *text, size_t size, struct rs_emulation *e, struct rs_error *err);

/* An emulation xclbin; @device: the program rs_xrt_device. */
RS_MUST_CHECK rs_status rs_emulation_xclbin(const struct rs_emulation *e, const char *device, uint8_t **bytes, size_t *size,
                                            struct rs_error *err);

/**
 * rs_xclbin_check_kernel() - is kernel @name ours, argument by argument (sw/xclbin/kernel.h)?
 * Errors: RS_ERR_MISMATCH, with the list of differences.
 */
RS_MUST_CHECK rs_status rs_xclbin_check_kernel(const struct rs_xclbin *x, const char *name, struct rs_error *err);

const char *rs_xclbin_mode_name(uint16_t mode);
#endif
