/* xrt_diagnose.c - see xrt/xrt_diagnose.h.  No XRT in here, so that all of it can be tested anywhere. */
#include "xrt/xrt_diagnose.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XILINX "0x10ee"

static bool begins(const char *folder, const char *name, const char *text)
{
    char path[9000], found[64] = "";
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    if (fgets(found, sizeof found, file) == NULL)
        found[0] = '\0';
    fclose(file);
    return strncmp(found, text, strlen(text)) == 0;
}

/* Xilinx functions on the PCI bus; the name of one. */
static int cards_on_bus(const char *root, char name[32])
{
    char path[4096], folder[8192];
    struct dirent *entry;
    DIR *bus;
    int n = 0;

    snprintf(path, sizeof path, "%s/sys/bus/pci/devices", root);
    bus = opendir(path);
    while (bus != NULL && (entry = readdir(bus)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(folder, sizeof folder, "%s/%s", path, entry->d_name);
        if (!begins(folder, "vendor", XILINX))
            continue;
        n++;
        snprintf(name, 32, "%.31s", entry->d_name);
    }
    if (bus != NULL)
        closedir(bus);
    return n;
}

void rs_xrt_no_card(const char *root, const char *card, const char *xrt_says, char *text, size_t size)
{
    char name[32] = "", path[4096];
    const int n = cards_on_bus(root, name);
    bool driver;

    snprintf(path, sizeof path, "%s/sys/module/xocl", root);
    driver = access(path, F_OK) == 0;
    if (n == 0)
        snprintf(text, size, "no card %s: there is no Xilinx device (vendor " XILINX ") on the PCI bus; without a card, emulate one: "
                 "XCL_EMULATION_MODE=hw_emu with an xclbin of `rowstation xclbin` (XRT says: %.160s)", card, xrt_says);
    else if (!driver)
        snprintf(text, size, "no card %s: %s is on the PCI bus, but driver xocl is not loaded (a kernel upgrade?): see `dkms status`, "
                 "`modprobe xocl` (XRT says: %.160s)", card, name, xrt_says);
    else
        snprintf(text, size, "no card %s: %d Xilinx functions on the PCI bus (%s) and xocl is loaded, but XRT does not offer it: `xrt-smi "
                 "examine` (older: xbutil) lists cards; a golden image needs its shell: `xbmgmt program --base` (XRT says: %.160s)",
                 card, n, name, xrt_says);
}

void rs_xrt_load_error(const char *card, const char *xclbin, int code, const char *xrt_says, char *text, size_t size)
{
    const char *advice;

    switch (abs(code)) {
    case EOPNOTSUPP: advice = "it was made for another shell: rebuild it for this platform, or `xbmgmt program --base` / `--shell`; on "
                              "a U250 the shell is gone after each power cycle"; break;
    case EBUSY:      advice = "another process uses the card with another xclbin: stop it, or use the xclbin that it has loaded"; break;
    case EPERM: case EACCES: advice = "no permission for the card's device nodes (/dev/dri/renderD*)"; break;
    case EKEYREJECTED: advice = "its signature was refused: sign it, or have the administrator turn the check off"; break;
    case ETIMEDOUT:  advice = "the management function (xclmgmt, or the daemons msd and mpd in a virtual machine) does not answer"; break;
    case EDEADLK:    advice = "the card is stuck: `xrt-smi reset -d BDF`"; break;
    case E2BIG:      advice = "it wants more host memory than the card has reserved: `xrt-smi configure --host-mem`"; break;
    case EINVAL:     advice = "it is damaged, or not for this kind of card"; break;
    case ENODEV:     advice = "the card has gone: `xrt-smi examine`"; break;
    default:         advice = "see `dmesg`"; break;
    }
    snprintf(text, size, "card %s: %.120s could not be loaded (%s): %s (XRT says: %.120s)", card, xclbin, strerror(abs(code)), advice,
             xrt_says);
}

const char *rs_xrt_state_name(int state)
{
    static const char *const names[] = {"0", "NEW", "QUEUED", "RUNNING", "COMPLETED", "ERROR", "ABORT", "SUBMITTED", "TIMEOUT",
                                        "NORESPONSE"};

    return state >= 0 && (size_t)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

void rs_xrt_uuid_text(const uint8_t u[16], char text[37])
{
    for (int i = 0, at = 0; i < 16; i++)
        at += snprintf(text + at, (size_t)(37 - at), "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

bool rs_xrt_power_of(const char *json, double *watts)
{
    const char *at = strstr(json, "\"power_consumption_watts\"");
    char *end;

    if (at == NULL)
        return false;
    at += strlen("\"power_consumption_watts\"");
    at += strspn(at, " \t\r\n:\"");
    *watts = strtod(at, &end);
    return end != at && *watts > 0 && *watts < 10000;
}
