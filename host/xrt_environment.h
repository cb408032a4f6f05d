/*
 * xrt_environment.h - what XRT 2.13 needs around it for hardware emulation: a folder, four files, some variables.
 *
 * The folder is /tmp/rowstation-XXXXXX and becomes USER, because XRT puts its sockets into /tmp/$USER: one removal
 * takes everything with it.  Nothing of XRT's is changed.
 */
#ifndef RS_XRT_ENVIRONMENT_H
#define RS_XRT_ENVIRONMENT_H
#include "status.h"

struct rs_xrt_environment {
    char folder[40];
    char **variables;             /* a copy of the process's environment with ours in it, for exec()  */
};

/**
 * rs_xrt_environment_make() - folder, emconfig.json for @cards cards, xrt.ini, XILINX_XRT, variables.
 * @preload: add the preload that shortens XRT's sleeps (programs that are not ours)
 * Errors: RS_ERR_DEVICE (libxrt1, unzip or one of our files is not there), RS_ERR_IO, RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status rs_xrt_environment_make(struct rs_xrt_environment *e, unsigned cards, bool preload,
                                                struct rs_error *err);
/* NAME=VALUE into the variables, in place of what was there; false: out of memory. */
bool rs_xrt_environment_set(struct rs_xrt_environment *e, const char *name, const char *value);
/* Removes the folder with all in it, and frees the variables. */
void rs_xrt_environment_remove(struct rs_xrt_environment *e);
/* Has a device process whose log is in @folder ended badly?  Then @why holds its last error, or that it was killed. */
bool rs_xrt_device_died(const char *folder, char *why, size_t size);
/* rm -r; symbolic links are not followed. */
void rs_remove_tree(const char *path);
#endif
