/*
 * xrt_environment.c - see xrt_environment.h.
 *
 * Why each thing is there (XRT 2.13 as Debian 12 packages it):
 *   XILINX_XRT        libxrt_hwemu is opened as $XILINX_XRT/lib/libxrt_hwemu.so.2; Debian has it elsewhere: a link
 *   USER              sockets are /tmp/$USER/...; without it all processes share one
 *   packet_size, rpc_reserve   Debian's library never stores the pointer that realloc() returns for its message buffer,
 *                     so that the first message has to be the biggest: the environment message, made big by a
 *                     dummy key (unknown keys of [Debug] are passed on without a warning)
 *   system_dpa=false  no messages thread, which delays closing by up to 10 s
 *   keep_run_dir=false   .run/PID goes when the device is closed
 */
#include "xrt_environment.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "find.h"

#define PACKET_BYTES   1048576
#define RESERVE_BYTES  (PACKET_BYTES + 4096)
#define HWEMU          "libxrt_hwemu.so.2"

extern char **environ;

/* ---- variables ---------------------------------------------------------------------------------- */

bool rs_xrt_environment_set(struct rs_xrt_environment *e, const char *name, const char *value)
{
    const size_t length = strlen(name);
    char *text = malloc(length + strlen(value) + 2);
    char **grown;
    size_t n = 0;

    if (text == NULL)
        return false;
    sprintf(text, "%s=%s", name, value);
    for (; e->variables[n] != NULL; n++)
        if (strncmp(e->variables[n], name, length) == 0 && e->variables[n][length] == '=') {
            free(e->variables[n]);
            e->variables[n] = text;
            return true;
        }
    grown = realloc(e->variables, (n + 2) * sizeof *grown);
    if (grown == NULL) {
        free(text);
        return false;
    }
    grown[n] = text;
    grown[n + 1] = NULL;
    e->variables = grown;
    return true;
}

static bool copy_variables(struct rs_xrt_environment *e)
{
    size_t n = 0;

    while (environ[n] != NULL)
        n++;
    e->variables = calloc(n + 1, sizeof *e->variables);
    for (size_t i = 0; e->variables != NULL && i < n; i++)
        if ((e->variables[i] = strdup(environ[i])) == NULL)
            return false;
    return e->variables != NULL;
}

/* ---- files -------------------------------------------------------------------------------------- */

static bool on_path(const char *program)
{
    const char *list = getenv("PATH");
    char name[4096];

    for (list = list != NULL ? list : "/usr/bin:/bin"; *list != '\0'; list += strcspn(list, ":"), list += *list == ':')
        if (snprintf(name, sizeof name, "%.*s/%s", (int)strcspn(list, ":"), list, program) < (int)sizeof name &&
            access(name, X_OK) == 0)
            return true;
    return false;
}

/* The folder that holds libxrt_hwemu, in @folder. */
static bool find_library(char *folder, size_t size)
{
    static const char *const folders[] = {"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
                                          "/opt/xilinx/xrt/lib"};
    const char *xrt = getenv("XILINX_XRT");
    char name[4096];

    if (xrt != NULL && snprintf(folder, size, "%s/lib", xrt) < (int)size &&
        snprintf(name, sizeof name, "%s/" HWEMU, folder) < (int)sizeof name && access(name, R_OK) == 0)
        return true;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(name, sizeof name, "%s/" HWEMU, folders[i]);
        snprintf(folder, size, "%s", folders[i]);
        if (access(name, R_OK) == 0)
            return true;
    }
    return false;
}

static bool write_emconfig(const char *name, unsigned cards)
{
    FILE *f = fopen(name, "w");

    if (f == NULL)
        return false;
    fputs("{ \"Version\": { \"FileVersion\": \"2.0\", \"ToolVersion\": \"2022.1\" },\n"
          "  \"Platform\": { \"UnifiedPlatform\": \"true\", \"ExpandedPR\": \"false\", \"Boards\": [\n"
          "    { \"NumBoards\": \"1\", \"Devices\": [\n", f);
    for (unsigned i = 0; i < cards; i++)
        fprintf(f, "      { \"Name\": \"rowstation_emulation_1_0\", \"HalMajorVersion\": \"0\", \"HalMinorVersion\": \"0\",\n"
                "        \"VendorId\": \"4334\", \"SubsystemVendorId\": \"0\", \"DeviceVersion\": \"0\", \"NumDevices\": \"1\",\n"
                "        \"DataAlignment\": \"4096\", \"OclFreqency\": \"300\", \"DdrBanks\": [ { \"Size\": \"16GB\" } ],\n"
                "        \"FeatureRom\": { \"Major_Version\": \"10\", \"Minor_Version\": \"1\", \"Vivado_Build_Id\": \"0\",\n"
                "          \"Ip_Build_Id\": \"0\", \"Time_Since_Epoch\": \"0\", \"Ddr_Channel_Count\": \"1\",\n"
                "          \"Ddr_Channel_Size\": \"16\", \"Dr_Base_Address\": \"0\", \"Feature_Bitmap\": \"0\" } }%s\n",
                i + 1 < cards ? "," : "");
    fputs("    ] } ] } }\n", f);
    return fclose(f) == 0;
}

static bool write_ini(const char *name)
{
    FILE *f = fopen(name, "w");

    if (f == NULL)
        return false;
    fprintf(f, "[Emulation]\npacket_size=%d\nsystem_dpa=false\nkeep_run_dir=false\nprint_infos_in_console=false\n"
            "[Debug]\nrpc_reserve=", PACKET_BYTES);
    for (int i = 0; i < RESERVE_BYTES; i++)
        putc('x', f);
    fputs("\n[Runtime]\nverbosity=4\n", f);
    return fclose(f) == 0;
}

void rs_remove_tree(const char *path)
{
    struct stat about;
    DIR *folder;
    struct dirent *entry;

    if (lstat(path, &about) != 0)
        return;
    if (S_ISDIR(about.st_mode) && (folder = opendir(path)) != NULL) {
        while ((entry = readdir(folder)) != NULL) {
            char name[4096];

            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                snprintf(name, sizeof name, "%s/%s", path, entry->d_name) < (int)sizeof name)
                rs_remove_tree(name);
        }
        closedir(folder);
        rmdir(path);
    } else {
        unlink(path);
    }
}

/* ---- device processes ---------------------------------------------------------------------------- */

/* The log of a device process that ended badly: its last error, or that it was killed.  false: it lives, or ended well. */
static bool ended_badly(const char *name, char *why, size_t size)
{
    char text[4096], *line;
    const int fd = open(name, O_RDONLY | O_CLOEXEC);
    struct timespec now;
    struct stat about;
    ssize_t n;
    bool lives, young;

    if (fd < 0)
        return false;
    lives = flock(fd, LOCK_EX | LOCK_NB) != 0;
    n = lives ? 0 : read(fd, text, sizeof text - 1);
    clock_gettime(CLOCK_REALTIME, &now);
    young = fstat(fd, &about) != 0 || (double)(now.tv_sec - about.st_mtim.tv_sec) + 1e-9 * (double)(now.tv_nsec - about.st_mtim.tv_nsec) < 0.5;
    close(fd);
    if (lives || n < 0 || (n == 0 && young))       /* between making and locking it there is a moment      */
        return false;
    text[n] = '\0';
    if (strstr(text, "closed\n") != NULL)
        return false;
    line = strstr(text, "error: ");
    if (line != NULL)
        line[strcspn(line, "\n")] = '\0';
    snprintf(why, size, "%s", line != NULL ? line + strlen("error: ") : "it was killed or crashed");
    return true;
}

bool rs_xrt_device_died(const char *folder, char *why, size_t size)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    bool died = false;

    while (d != NULL && !died && (entry = readdir(d)) != NULL) {
        char name[512];

        if (strncmp(entry->d_name, "device-", 7) == 0 && snprintf(name, sizeof name, "%s/%s", folder, entry->d_name) > 0)
            died = ended_badly(name, why, size);
    }
    if (d != NULL)
        closedir(d);
    return died;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

void rs_xrt_environment_remove(struct rs_xrt_environment *e)
{
    if (e->folder[0] != '\0')
        rs_remove_tree(e->folder);
    e->folder[0] = '\0';
    for (size_t i = 0; e->variables != NULL && e->variables[i] != NULL; i++)
        free(e->variables[i]);
    free(e->variables);
    e->variables = NULL;
}

rs_status rs_xrt_environment_make(struct rs_xrt_environment *e, unsigned cards, bool preload, struct rs_error *err)
{
    char library[4096], name[80], path[PATH_MAX], tried[300], absolute[PATH_MAX], list[2 * PATH_MAX];
    const char *old;
    bool good = true;

    memset(e, 0, sizeof *e);
    if (!find_library(library, sizeof library))
        return rs_fail(err, RS_ERR_DEVICE, "XRT is not installed: no " HWEMU " in /usr/lib or $XILINX_XRT/lib; on Debian 12: "
                       "apt-get install libxrt1 unzip");
    if (!on_path("unzip"))
        return rs_fail(err, RS_ERR_DEVICE, "unzip is not installed, and XRT unpacks an xclbin with it: apt-get install unzip");
    if (preload && (!rs_find_file("librs_xrt_sleep.so", path, tried, sizeof tried) || realpath(path, absolute) == NULL))
        return rs_fail(err, RS_ERR_DEVICE, "no librs_xrt_sleep.so in %s; build it with `make xrt`", tried);
    strcpy(e->folder, "/tmp/rowstation-XXXXXX");           /* XRT's sockets are in /tmp, wherever TMPDIR is   */
    if (mkdtemp(e->folder) == NULL) {
        e->folder[0] = '\0';
        return rs_fail(err, RS_ERR_IO, "no folder could be made in /tmp: %s", strerror(errno));
    }
    snprintf(name, sizeof name, "%s/xrt", e->folder);
    good = mkdir(name, 0700) == 0;
    snprintf(name, sizeof name, "%s/xrt/lib", e->folder);
    good = good && symlink(library, name) == 0;
    snprintf(name, sizeof name, "%s/emconfig.json", e->folder);
    good = good && write_emconfig(name, cards);
    snprintf(name, sizeof name, "%s/xrt.ini", e->folder);
    good = good && write_ini(name);
    if (!good) {
        rs_status status = rs_fail(err, RS_ERR_IO, "%s: %s", name, strerror(errno));

        rs_xrt_environment_remove(e);
        return status;
    }
    good = copy_variables(e) && rs_xrt_environment_set(e, "XRT_INI_PATH", name) &&
           rs_xrt_environment_set(e, "XCL_EMULATION_MODE", "hw_emu") &&
           rs_xrt_environment_set(e, "EMCONFIG_PATH", e->folder) &&
           rs_xrt_environment_set(e, "SDACCEL_EM_RUN_DIR", e->folder) &&
           rs_xrt_environment_set(e, "ROWSTATION_EMU_DIR", e->folder) &&
           rs_xrt_environment_set(e, "USER", strrchr(e->folder, '/') + 1);
    snprintf(name, sizeof name, "%s/xrt", e->folder);
    good = good && rs_xrt_environment_set(e, "XILINX_XRT", name);
    if (rs_find_file("rs_xrt_device", path, tried, sizeof tried) && realpath(path, library) != NULL)
        good = good && rs_xrt_environment_set(e, "ROWSTATION_XRT_DEVICE", library);
    if (preload) {
        old = getenv("LD_PRELOAD");
        snprintf(list, sizeof list, "%s%s%.4000s", absolute, old != NULL && *old != '\0' ? ":" : "", old != NULL ? old : "");
        good = good && rs_xrt_environment_set(e, "LD_PRELOAD", list);
    }
    /* Folders of RS_PLATFORM_PATH may be relative, and the device process runs elsewhere. */
    old = getenv("RS_PLATFORM_PATH");
    list[0] = '\0';
    for (; old != NULL && *old != '\0'; old += strcspn(old, ":"), old += *old == ':') {
        const size_t used = strlen(list);

        snprintf(path, sizeof path, "%.*s", (int)strcspn(old, ":"), old);
        snprintf(list + used, sizeof list - used, "%s%s", used != 0 ? ":" : "", realpath(path, absolute) != NULL ? absolute : path);
    }
    if (list[0] != '\0')
        good = good && rs_xrt_environment_set(e, "RS_PLATFORM_PATH", list);
    if (good)
        return RS_OK;
    rs_xrt_environment_remove(e);
    return rs_fail(err, RS_ERR_NOMEM, "out of memory");
}
