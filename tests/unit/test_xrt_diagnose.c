/* test_xrt_diagnose.c - messages for failures that only a card has, from made-up /sys trees and errno values. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "test.h"
#include "uri.h"
#include "xrt/xrt_diagnose.h"
#include "xrt_environment.h"

static char root[] = "/tmp/rs-test-XXXXXX";

static void folder(const char *name)
{
    char path[300];

    snprintf(path, sizeof path, "%s/%s", root, name);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        perror(path);
}

static void vendor(const char *function, const char *id)
{
    char path[300];
    FILE *f;

    snprintf(path, sizeof path, "sys/bus/pci/devices/%s", function);
    folder(path);
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s/vendor", root, function);
    f = fopen(path, "w");
    if (f != NULL) {
        fprintf(f, "%s\n", id);
        fclose(f);
    }
}

TEST(says_why_there_is_no_card)
{
    char text[400];

    MUST(mkdtemp(root) != NULL, "no folder");
    rs_xrt_no_card(root, "3", "boom", text, sizeof text);
    CHECK(strstr(text, "no card 3: there is no Xilinx device") != NULL && strstr(text, "boom") != NULL, "%s", text);
    folder("sys");
    folder("sys/bus");
    folder("sys/bus/pci");
    folder("sys/bus/pci/devices");
    vendor("0000:01:00.0", "0x8086");
    rs_xrt_no_card(root, "0", "boom", text, sizeof text);
    CHECK(strstr(text, "there is no Xilinx device") != NULL, "%s", text);
    vendor("0000:3b:00.1", "0x10ee");
    rs_xrt_no_card(root, "0", "boom", text, sizeof text);
    CHECK(strstr(text, "0000:3b:00.1 is on the PCI bus, but driver xocl is not loaded") != NULL && strstr(text, "dkms status"), "%s", text);
    folder("sys/module");
    folder("sys/module/xocl");
    rs_xrt_no_card(root, "0", "boom", text, sizeof text);
    CHECK(strstr(text, "xocl is loaded, but XRT does not offer it") != NULL && strstr(text, "xrt-smi"), "%s", text);
    rs_remove_tree(root);
    CHECK(access(root, F_OK) != 0, "%s is left", root);
}

TEST(says_what_an_errno_of_load_means)
{
    static const struct { int code; const char *text; } cases[] = {
        {-EOPNOTSUPP, "another shell"}, {EBUSY, "stop it"}, {EKEYREJECTED, "signature"}, {-ETIMEDOUT, "management function"},
        {EDEADLK, "xrt-smi reset"}, {E2BIG, "host memory"}, {EINVAL, "damaged"}, {EACCES, "permission"}, {ENODEV, "gone"}, {EIO, "dmesg"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[400];

        rs_xrt_load_error("0000:3b:00.1", "rs.xclbin", cases[i].code, "boom", text, sizeof text);
        CHECK(strstr(text, cases[i].text) != NULL && strstr(text, "0000:3b:00.1") != NULL && strstr(text, "boom") != NULL, "%s", text);
    }
}

TEST(reads_power_out_of_json)
{
    double watts = 0;

    CHECK(rs_xrt_power_of("{\"power_consumption_max_watts\":\"225\",\"power_consumption_watts\": \"28.125\"}", &watts) && watts == 28.125, "%g", watts);
    CHECK(rs_xrt_power_of("{\"power_consumption_watts\" : 7}", &watts) && watts == 7, "%g", watts);
    CHECK(!rs_xrt_power_of("{\"power_consumption_watts\": \"N/A\"}", &watts) && !rs_xrt_power_of("{}", &watts) &&
          !rs_xrt_power_of("{\"power_consumption_watts\": \"0.0\"}", &watts), "power where there is none");
}

TEST(names_states_and_uuids)
{
    const uint8_t uuid[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 1, 2, 3, 4, 5, 6, 7};
    char text[37];

    rs_xrt_uuid_text(uuid, text);
    CHECK(strcmp(text, "01234567-89ab-cdef-0001-020304050607") == 0, "%s", text);
    CHECK(strcmp(rs_xrt_state_name(4), "COMPLETED") == 0 && strcmp(rs_xrt_state_name(9), "NORESPONSE") == 0 &&
          strcmp(rs_xrt_state_name(77), "unknown") == 0 && strcmp(rs_xrt_state_name(-1), "unknown") == 0, "states");
}

TEST(takes_names_of_cards_apart)
{
    static const char *const bad[] = {"xrt:", "xrt:card", "xrt:0;1", "xrt:0?latency=3", "xrt:0?xclbin=", "xrt:0?cores=3", "xrt:0?nonsense=1",
                                      "xrt:0?clock=x"};
    struct rs_uri u;
    struct rs_error err;

    MUST(rs_uri_parse("xrt:0000:3b:00.1?xclbin=/a/b.xclbin&cu=rs_2,rs_1&kernel=rs&timeout=9&shared_cu=1", &u, &err) == RS_OK, "%s", err.text);
    CHECK(strcmp(u.preset, "0000:3b:00.1") == 0 && strcmp(u.xclbin, "/a/b.xclbin") == 0 && strcmp(u.cu, "rs_2,rs_1") == 0 &&
          u.timeout_cycles == 9 && u.shared_cu == 1, "%s %s %s", u.preset, u.xclbin, u.cu);
    MUST(rs_uri_parse("xrt", &u, &err) == RS_OK, "%s", err.text);
    CHECK(strcmp(u.preset, "0") == 0 && strcmp(u.kernel, "rs") == 0 && u.xclbin[0] == '\0' && u.clock_mhz == 0, "%s", u.preset);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(rs_uri_parse(bad[i], &u, &err) != RS_OK && err.text[0] != '\0', "accepted %s", bad[i]);
}

/* Logs of device processes: nobody holds their lock here, so each of these has ended. */
TEST(tells_how_a_device_process_ended)
{
    static const struct { const char *text; long age; bool died; const char *why; } cases[] = {
        {"emu:default from x, pid 1\n5 clocks\nclosed\n", 0, false, ""}, {"emu:default from x, pid 1\n", 0, true, "killed or crashed"},
        {"error: no such object\n", 0, true, "no such object"}, {"", 0, false, ""}, {"", 10, true, "killed or crashed"}};
    char place[] = "/tmp/rs-test-XXXXXX", path[60], why[100];

    MUST(mkdtemp(place) != NULL, "no folder");
    snprintf(path, sizeof path, "%s/device-1.log", place);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        FILE *f = fopen(path, "w");
        struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
        bool died;

        MUST(f != NULL, "%s", path);
        fputs(cases[i].text, f);
        fclose(f);
        if (cases[i].age != 0)
            times[1] = (struct timespec){.tv_sec = 1};
        utimensat(AT_FDCWD, path, times, 0);
        why[0] = '\0';
        died = rs_xrt_device_died(place, why, sizeof why);
        CHECK(died == cases[i].died && strstr(why, cases[i].why) != NULL, "case %zu: %d, %s", i, died, why);
    }
    rs_remove_tree(place);
}

int main(void)
{
    RUN(says_why_there_is_no_card);
    RUN(says_what_an_errno_of_load_means);
    RUN(reads_power_out_of_json);
    RUN(names_states_and_uuids);
    RUN(takes_names_of_cards_apart);
    RUN(tells_how_a_device_process_ended);
    return test_exit();
}
