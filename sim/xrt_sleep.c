/*
 * xrt_sleep.c - sleep() that does not wait ten seconds for an emulated card.
 *
 * libxrt_hwemu sleeps 10 s at the first load of an xclbin and 1 s at each wait, for simulators that take minutes to
 * start.  Calls from there sleep 0.2 ms; all others what they ask for.  Loaded with LD_PRELOAD by `rowstation emu-env`
 * (librs_xrt_sleep.so), and linked into rs_xrt_host.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) unsigned int sleep(unsigned int wanted)
{
    struct timespec left = {.tv_sec = (time_t)wanted};
    Dl_info caller;

    if (dladdr(__builtin_return_address(0), &caller) != 0 && caller.dli_fname != NULL &&
        strstr(caller.dli_fname, "libxrt_hwemu") != NULL)
        left = (struct timespec){.tv_nsec = 200000};
    if (nanosleep(&left, &left) == 0)
        return 0;
    return errno == EINTR ? (unsigned int)left.tv_sec + (left.tv_nsec != 0) : 0;
}
