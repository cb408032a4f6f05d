/* layout.h - offsets of an axlf file that reader and writer share; XRT's xclbin.h is the source. */
#ifndef RS_XCLBIN_LAYOUT_H
#define RS_XCLBIN_LAYOUT_H
#include "xclbin.h"

#define AXLF_MAGIC "xclbin2"                      /* and the 0 behind it                      */
enum {
    AXLF_UNIQUE_ID = 296, AXLF_HEADER = 304, AXLF_HEAD = 456, SECTION_HEAD = 40,
    HEADER_LENGTH = 0, HEADER_TIMESTAMP = 8, HEADER_ROM_TIMESTAMP = 16, HEADER_VERSION = 24, HEADER_MODE = 28,
    HEADER_ROM_UUID = 32, HEADER_VBNV = 48, HEADER_UUID = 112, HEADER_SECTIONS = 144,
    IP_KERNEL = 1
};
#endif
