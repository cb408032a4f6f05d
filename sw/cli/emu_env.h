/* emu_env.h - what `rowstation xclbin` and `rowstation emu-env` share. */
#ifndef RS_EMU_ENV_H
#define RS_EMU_ENV_H
#include "rowstation.h"

int cmd_xclbin(int argc, char **argv);
int cmd_emu_env(int argc, char **argv);

/* Writes an emulation xclbin of @target (emu or sim, with options) into @path. */
RS_MUST_CHECK rs_status emu_xclbin(const char *target, unsigned banks, const char *path, struct rs_error *err);
#endif
