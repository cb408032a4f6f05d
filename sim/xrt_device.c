/*
 * xrt_device.c - rs_xrt_device: the card behind XRT's hardware emulation.
 *
 * XRT (libxrt_hwemu) unpacks an xclbin, starts simulate.sh from it, and that starts this program in the folder with
 * rowstation.cfg (sw/xclbin/emulation.c).  It loads librs_sim_PRESET.so or librs_emu_PRESET.so, connects to
 * XRT's socket and answers its calls: memory and registers.  Time passes when the host reads CTRL or ISR of a
 * running core, which is how XRT waits: each such read clocks the card for about two milliseconds of host time first.
 *
 * Environment: EMULATION_SOCKETID and USER name the socket (XRT sets the first); ROWSTATION_XRT_KIND=emu|sim
 * overrides the kind in rowstation.cfg; ROWSTATION_EMU_DIR is where device-SOCKETID.log goes, which is locked as long
 * as the device lives and ends in "closed" when its end was orderly; RS_PLATFORM_PATH as in rowstation.h.
 *
 * Protocol: XRT src/runtime_src/core/common_em/unix_socket.cxx, include/xcl_api_macros.h, rpc_messages.proto.
 * A call is 0x09, u64 payload size, 0x15, u32 api number; an answer 0x09, u64 size; payloads are protobuf messages
 * with few flat fields, so no protobuf library is needed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "isa.h"
#include "platform.h"
#include "whole_messages.h"
#include "xclbin.h"

enum api {
    API_CLOSE = 1, API_ALLOC = 4, API_FREE = 5, API_HOST_TO_DEVICE = 6, API_DEVICE_TO_HOST = 7, API_REG_WRITE = 9,
    API_REG_READ = 11, API_DEBUG_MESSAGES = 19, API_SET_ENVIRONMENT = 20
};
enum {
    MAX_FIELD = 16, CALL_HEAD = 14, ANSWER_HEAD = 9, MAX_CORES = 2,
    CONNECT_SECONDS = 60, MIN_CHUNK = 64, MAX_CHUNK = 1 << 20
};
#define CHUNK_SECONDS 0.002

static FILE *logfile;

__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
    va_list args;

    if (logfile == NULL)
        return;
    va_start(args, format);
    vfprintf(logfile, format, args);
    va_end(args);
    fputc('\n', logfile);
    fflush(logfile);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- sockets ------------------------------------------------------------------------------------ */

/* XRT listens only after it has started us: again and again until @until. */
static int connect_to(const char *prefix, double until)
{
    const char *user = getenv("USER"), *id = getenv("EMULATION_SOCKETID");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length;

    if (id == NULL)
        id = "";
    if (user != NULL)
        length = snprintf(address.sun_path, sizeof address.sun_path, "/tmp/%s/%s%s", user, prefix, id);
    else
        length = snprintf(address.sun_path, sizeof address.sun_path, "/tmp/%s%s", prefix, *prefix != '\0' ? id : "xcl_sock");
    if ((size_t)length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (;;) {
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
            return -1;
        if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
            return fd;
        close(fd);
        if (seconds() > until)
            return -1;
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
}

/* The socket by which a device reaches host memory, which ours never does: one message ends XRT's thread for it;
 * otherwise closing takes five seconds longer. */
static void *end_host_memory_thread(void *unused)
{
    const uint8_t call[CALL_HEAD] = {[0] = 0x09, [9] = 0x15, [10] = API_CLOSE};
    const int fd = connect_to("D2X_unix_sock_", seconds() + CONNECT_SECONDS);

    (void)unused;
    if (fd >= 0) {
        (void)send_all(fd, call, sizeof call);
        close(fd);
    }
    return NULL;
}

/* ---- messages ----------------------------------------------------------------------------------- */

struct message {
    uint64_t value[MAX_FIELD];              /* varints                                           */
    const uint8_t *bytes[MAX_FIELD];        /* byte strings, in the payload                      */
    size_t length[MAX_FIELD];
};

static bool varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        const uint8_t byte = *(*at)++;

        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool parse(const uint8_t *at, size_t bytes, struct message *m)
{
    const uint8_t *const end = at + bytes;

    memset(m, 0, sizeof *m);
    while (at < end) {
        uint64_t key, value;

        if (!varint(&at, end, &key))
            return false;
        switch (key & 7) {
        case 0:
            if (!varint(&at, end, &value))
                return false;
            if (key >> 3 < MAX_FIELD)
                m->value[key >> 3] = value;
            break;
        case 2:
            if (!varint(&at, end, &value) || value > (uint64_t)(end - at))
                return false;
            if (key >> 3 < MAX_FIELD) {
                m->bytes[key >> 3] = at;
                m->length[key >> 3] = (size_t)value;
            }
            at += value;
            break;
        case 1: case 5:
            if ((uint64_t)(end - at) < ((key & 7) == 1 ? 8 : 4))
                return false;
            at += (key & 7) == 1 ? 8 : 4;
            break;
        default:
            return false;
        }
    }
    return true;
}

static size_t put_varint(uint8_t *to, uint64_t value)
{
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        to[n++] = (uint8_t)(value | 0x80);
    to[n++] = (uint8_t)value;
    return n;
}

/* ---- the card ----------------------------------------------------------------------------------- */

struct card {
    const struct rs_platform_api *api;
    struct rs_platform *platform;
    struct rs_emulation settings;
    bool     running[MAX_CORES];
    uint64_t chunk;                         /* clocks that take about CHUNK_SECONDS              */
    bool     violated;
    uint8_t *answer;                        /* of API_DEVICE_TO_HOST                             */
    size_t   answer_room;
};

static bool try_folder(const char *folder, size_t length, const char *name, char path[PATH_MAX])
{
    return length != 0 && snprintf(path, PATH_MAX, "%.*s/%s", (int)length, folder, name) < PATH_MAX && access(path, R_OK) == 0;
}

static bool find_object(const struct rs_emulation *e, char path[PATH_MAX])
{
    const char *list = getenv("RS_PLATFORM_PATH");
    char name[80], self[PATH_MAX];
    ssize_t n;

    snprintf(name, sizeof name, "librs_%s_%s.so", e->kind, e->config.preset);
    for (; list != NULL && *list != '\0'; list += strcspn(list, ":"), list += *list == ':')
        if (try_folder(list, strcspn(list, ":"), name, path))
            return true;
    n = readlink("/proc/self/exe", self, sizeof self - 1);
    while (n > 0 && self[n - 1] != '/')
        n--;
    if (n > 1 && try_folder(self, (size_t)(n - 1), name, path))
        return true;
    say("error: no %s beside %.*s or in RS_PLATFORM_PATH; build it with `make %s`", name, (int)(n > 0 ? n : 0), self, e->kind);
    return false;
}

static bool open_card(struct card *card, const char *config)
{
    const char *kind = getenv("ROWSTATION_XRT_KIND");
    const struct rs_platform_api *(*get)(void);
    struct rs_emulation *e = &card->settings;
    struct rs_platform_options options;
    char text[RS_EMULATION_TEXT_MAX], path[PATH_MAX], why[256] = "";
    struct rs_error err;
    FILE *file = fopen(config, "r");
    size_t size;
    void *object;

    if (file == NULL) {
        say("error: %s: %s", config, strerror(errno));
        return false;
    }
    size = fread(text, 1, sizeof text, file);
    fclose(file);
    if (rs_emulation_parse(text, size, e, &err) != RS_OK) {
        say("error: %s: %s", config, err.text);
        return false;
    }
    if (kind != NULL && (strcmp(kind, "emu") == 0 || strcmp(kind, "sim") == 0))
        strcpy(e->kind, kind);
    if (!find_object(e, path))
        return false;
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    *(void **)&get = object != NULL ? dlsym(object, "rs_platform_get") : NULL;
    card->api = get != NULL ? get() : NULL;
    if (card->api == NULL || card->api->abi != RS_PLATFORM_ABI) {
        say("error: %s: %s", path, object == NULL ? dlerror() : "not a platform of this version; build it again");
        return false;
    }
    if (card->api->config.config_hash != e->config.config_hash) {
        say("error: the xclbin is for configuration 0x%08x, %s has 0x%08x; write the xclbin again", e->config.config_hash, path,
            card->api->config.config_hash);
        return false;
    }
    options = (struct rs_platform_options){.n_cores = e->cards_cores, .mem_bytes = e->banks * e->bank_bytes,
                                           .mem_base = e->memory_base, .timing = e->timing};
    card->platform = card->api->create(&options, why, sizeof why);
    if (card->platform == NULL) {
        say("error: %s: %s", path, why);
        return false;
    }
    card->chunk = 1000;
    say("%s:%s from %s, %u cores, pid %ld", e->kind, e->config.preset, path, e->cards_cores, (long)getpid());
    return true;
}

/* The core and register at an address; false: nothing there. */
static bool decode(const struct card *card, uint64_t address, uint32_t *core, uint32_t *offset)
{
    const uint64_t relative = address - RS_EMULATION_CU_BASE;

    *core = (uint32_t)(relative / RS_EMULATION_CU_STEP);
    *offset = (uint32_t)(relative % RS_EMULATION_CU_STEP);
    return address >= RS_EMULATION_CU_BASE && relative / RS_EMULATION_CU_STEP < card->settings.cards_cores && *offset < RS_REG_SPACE;
}

static void let_time_pass(struct card *card)
{
    const double start = seconds();
    const char *broken;
    double took;

    card->api->advance(card->platform, card->chunk);
    took = seconds() - start;
    if (took < CHUNK_SECONDS / 2 && card->chunk < MAX_CHUNK)
        card->chunk *= 2;
    else if (took > CHUNK_SECONDS * 2 && card->chunk > MIN_CHUNK)
        card->chunk /= 2;
    broken = card->api->violation(card->platform);
    if (broken != NULL && !card->violated) {
        card->violated = true;
        say("violation: %s", broken);
    }
}

static void reg_write(struct card *card, uint64_t address, uint32_t value)
{
    uint32_t core, offset;

    if (!decode(card, address, &core, &offset)) {
        say("write of 0x%08x to 0x%llx: no register there", value, (unsigned long long)address);
        return;
    }
    if (!card->api->reg_write(card->platform, core, offset, value))
        say("error: core %u did not answer a write to register 0x%02x", core, offset);
    if (offset == RS_REG_CTRL && (value & 1) != 0)
        card->running[core] = true;
}

/* Several words in one message: CTRL, the first, comes last, so that a start finds its arguments. */
static void reg_write_words(struct card *card, uint64_t address, const uint8_t *data, size_t bytes)
{
    for (size_t at = bytes / 4; at-- != 0;) {
        uint32_t value;

        memcpy(&value, data + 4 * at, 4);
        reg_write(card, address + 4 * at, value);
    }
}

static uint32_t reg_read(struct card *card, uint64_t address)
{
    uint32_t core, offset, value = 0xFFFFFFFF;

    if (!decode(card, address, &core, &offset)) {
        say("read of 0x%llx: no register there", (unsigned long long)address);
        return value;
    }
    if (card->running[core] && (offset == RS_REG_CTRL || offset == RS_REG_ISR))
        let_time_pass(card);
    if (!card->api->reg_read(card->platform, core, offset, &value)) {
        say("error: core %u did not answer a read of register 0x%02x", core, offset);
        return 0xFFFFFFFF;
    }
    if (offset == RS_REG_CTRL && (value & 6) != 0)
        card->running[core] = false;
    return value;
}

/* ---- calls -------------------------------------------------------------------------------------- */

static bool answer(int fd, const uint8_t *payload, size_t bytes)
{
    uint8_t head[ANSWER_HEAD] = {0x09};
    const uint64_t size = bytes;

    memcpy(head + 1, &size, 8);
    return send_all(fd, head, sizeof head) && send_all(fd, payload, bytes);
}

/* Field 1 = @value: what most calls are answered with. */
static bool answer_number(int fd, uint64_t value)
{
    uint8_t payload[12] = {1 << 3};

    return answer(fd, payload, 1 + put_varint(payload + 1, value));
}

static bool answer_memory(struct card *card, int fd, uint64_t address, uint64_t size)
{
    size_t n;

    if (card->answer_room < size + 32) {
        uint8_t *grown = realloc(card->answer, size + 32);

        if (grown == NULL) {
            say("error: no host memory for a transfer of %llu bytes", (unsigned long long)size);
            return false;
        }
        card->answer = grown;
        card->answer_room = size + 32;
    }
    card->answer[0] = 1 << 3;
    n = 1 + put_varint(card->answer + 1, size);
    card->answer[n++] = 2 << 3 | 2;
    n += put_varint(card->answer + n, size);
    if (!card->api->mem_read(card->platform, address, card->answer + n, size)) {
        say("error: read of %llu bytes at 0x%llx: outside the memory", (unsigned long long)size, (unsigned long long)address);
        memset(card->answer + n, 0xFF, size);
    }
    return answer(fd, card->answer, n + size);
}

/* false: the conversation is over. */
static bool serve(struct card *card, int fd, uint32_t api, const struct message *m)
{
    switch (api) {
    case API_HOST_TO_DEVICE: {
        const uint64_t address = m->value[3] + m->value[6];

        if (!card->api->mem_write(card->platform, address, m->bytes[4], m->length[4]))
            say("error: write of %zu bytes at 0x%llx: outside the memory", m->length[4], (unsigned long long)address);
        return answer_number(fd, m->value[5]);
    }
    case API_DEVICE_TO_HOST:
        return answer_memory(card, fd, m->value[4] + m->value[6], m->value[5]);
    case API_REG_WRITE:
        reg_write_words(card, m->value[2], m->bytes[4], m->length[4]);
        return answer_number(fd, 1);
    case API_REG_READ: {
        uint8_t payload[8] = {1 << 3, 1, 2 << 3 | 2, 4};
        const uint32_t value = reg_read(card, m->value[2]);

        memcpy(payload + 4, &value, 4);
        return answer(fd, payload, 8);
    }
    case API_DEBUG_MESSAGES:
        return answer(fd, NULL, 0);
    case API_CLOSE:
        (void)answer_number(fd, 1);
        return false;
    default:                                       /* allocations, environment, profiling: ours to ignore */
        return answer_number(fd, 1);
    }
}

static void converse(struct card *card, int fd)
{
    uint8_t *payload = NULL;
    size_t room = 0;

    for (;;) {
        uint8_t head[CALL_HEAD];
        struct message m;
        uint64_t size;
        uint32_t api;

        if (!receive_all(fd, head, sizeof head)) {
            say("the host is gone");
            break;
        }
        memcpy(&size, head + 1, 8);
        memcpy(&api, head + 10, 4);
        if (head[0] != 0x09 || head[9] != 0x15 || size > (uint64_t)1 << 32) {
            say("error: not a call of XRT's: it begins with 0x%02x", head[0]);
            break;
        }
        if (size > room) {
            uint8_t *grown = realloc(payload, size);

            if (grown == NULL) {
                say("error: no host memory for a message of %llu bytes", (unsigned long long)size);
                break;
            }
            payload = grown;
            room = size;
        }
        if (!receive_all(fd, payload, size) || !parse(payload, size, &m)) {
            say("error: message %u of %llu bytes is cut short or malformed", api, (unsigned long long)size);
            break;
        }
        if (!serve(card, fd, api, &m))
            break;
    }
    free(payload);
}

int main(int argc, char **argv)
{
    const char *folder = getenv("ROWSTATION_EMU_DIR"), *id = getenv("EMULATION_SOCKETID");
    struct card card = {0};
    char path[PATH_MAX];
    pthread_t thread;
    int fd;

    if (argc < 2) {
        fprintf(stderr, "rs_xrt_device: started by XRT, with the name of rowstation.cfg\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/device-%s.log", folder != NULL && *folder != '\0' ? folder : ".", id != NULL ? id : "0");
    logfile = fopen(path, "we");
    if (logfile != NULL)
        (void)flock(fileno(logfile), LOCK_EX | LOCK_NB);
    signal(SIGPIPE, SIG_IGN);
    if (!open_card(&card, argv[1]))
        return 1;
    fd = connect_to("", seconds() + CONNECT_SECONDS);
    if (fd < 0) {
        say("error: XRT's socket did not appear within %d seconds", CONNECT_SECONDS);
        card.api->destroy(card.platform);
        return 1;
    }
    if (pthread_create(&thread, NULL, end_host_memory_thread, NULL) == 0)
        pthread_detach(thread);
    converse(&card, fd);
    close(fd);
    say("%llu clocks", (unsigned long long)card.api->clocks(card.platform));
    card.api->destroy(card.platform);
    say("closed");
    return 0;
}
