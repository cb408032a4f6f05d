/* xrt_diagnose.h - what XRT's errors mean, and what to do (docs/deployment.md, failures).  Texts go into @text, cut to @size. */
#ifndef RS_XRT_DIAGNOSE_H
#define RS_XRT_DIAGNOSE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No card @card: is there one on the bus, is the driver loaded?  @root is "/", another folder in tests. */
void rs_xrt_no_card(const char *root, const char *card, const char *xrt_says, char *text, size_t size);
/* load_xclbin() failed with @code (an errno, either sign). */
void rs_xrt_load_error(const char *card, const char *xclbin, int code, const char *xrt_says, char *text, size_t size);
/* "RUNNING" of an enum ert_cmd_state. */
const char *rs_xrt_state_name(int state);
void rs_xrt_uuid_text(const uint8_t uuid[16], char text[37]);
/* Watts from xrt::info::device::electrical, which is JSON; false: there are none in it. */
bool rs_xrt_power_of(const char *json, double *watts);
#endif
