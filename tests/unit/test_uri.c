/* test_uri.c - names of devices. */
#include "test.h"
#include "uri.h"

TEST(takes_a_name_apart)
{
    struct rs_uri u;
    struct rs_error err;

    MUST(rs_uri_parse("emu:small?latency=7&bytes=16&shared=1&cores=2&mem=2M&base=0x10000&clock=100&timeout=9&hostile=5&"
                      "outstanding=3&fault_write=0x1234&pace=25&replay=4", &u, &err) == RS_OK, "%s", err.text);
    CHECK(strcmp(u.kind, "emu") == 0 && strcmp(u.preset, "small") == 0, "%s %s", u.kind, u.preset);
    CHECK(u.latency == 7 && u.bytes == 16 && u.shared && u.cores == 2 && u.outstanding == 3, "numbers");
    CHECK(u.mem_bytes == 2u << 20 && u.mem_base == 0x10000 && u.clock_mhz == 100 && u.timeout_cycles == 9, "sizes");
    CHECK(u.pace == 25 && u.replay == 4, "pace %u, replay %u", u.pace, u.replay);
    CHECK(u.hostile == 5 && u.fault_write && !u.fault_read && u.fault_address == 0x1234, "faults");
}

TEST(has_defaults)
{
    struct rs_uri u;

    MUST(rs_uri_parse("sim", &u, NULL) == RS_OK, "sim");
    CHECK(strcmp(u.preset, "default") == 0 && u.cores == 1 && u.clock_mhz == 250, "%s", u.preset);
    CHECK(u.mem_base >= (uint64_t)1 << 32, "the base is above 4 GiB, so that cut addresses show");
    MUST(rs_uri_parse("cpu", &u, NULL) == RS_OK, "cpu");
    CHECK(u.preset[0] == '\0', "cpu has no preset");
    CHECK(u.threads == 1 && !u.round_onnx, "cpu: one thread a layer");
    MUST(rs_uri_parse("cpu?threads=3&rounding=onnx", &u, NULL) == RS_OK, "cpu with both its options");
    CHECK(u.threads == 3 && u.round_onnx, "%u threads", u.threads);
    MUST(rs_uri_parse("cpu?rounding=double", &u, NULL) == RS_OK && !u.round_onnx, "cpu, rounding twice");
}

TEST(refuses_what_is_malformed)
{
    static const struct { const char *text; rs_status status; } cases[] = {
        {"", RS_ERR_ARG}, {"gpu", RS_ERR_ARG}, {"cpuu", RS_ERR_ARG}, {"emu:", RS_ERR_ARG}, {"emu:a b", RS_ERR_ARG},
        {"emu:../x", RS_ERR_ARG}, {"emu:0123456789012345678901234567890123456789", RS_ERR_ARG}, {"cpu:x", RS_ERR_ARG},
        {"cpu?latency=1", RS_ERR_ARG}, {"cpu?rounding=", RS_ERR_ARG}, {"cpu?threads=0", RS_ERR_RANGE}, {"cpu?threads=257", RS_ERR_RANGE},
        {"cpu?threads=two", RS_ERR_ARG}, {"cpu?rounding=double&latency=1", RS_ERR_ARG}, {"emu?threads=2", RS_ERR_ARG}, {"emu?rounding=onnx", RS_ERR_ARG}, {"emu?latency", RS_ERR_ARG}, {"emu?=5", RS_ERR_ARG}, {"emu?nonsense=5", RS_ERR_ARG},
        {"emu?latency=", RS_ERR_ARG}, {"emu?latency=-1", RS_ERR_ARG}, {"emu?latency=0", RS_ERR_RANGE},
        {"emu?latency=1x", RS_ERR_ARG}, {"emu?cores=3", RS_ERR_RANGE}, {"emu?mem=1T", RS_ERR_ARG},
        {"emu?base=99999999999999999999999", RS_ERR_ARG}, {"emu?base=12", RS_ERR_RANGE},
        {"emu?fault_read=1&fault_write=1", RS_ERR_ARG}};
    struct rs_uri u = {.cores = 77};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rs_error err = {0};
        const rs_status status = rs_uri_parse(cases[i].text, &u, &err);

        CHECK(status == cases[i].status, "'%s': got %s (%s)", cases[i].text, rs_status_name(status), err.text);
        CHECK(err.text[0] != '\0', "'%s': no message", cases[i].text);
        CHECK(u.cores == 77, "'%s': changed what it was given", cases[i].text);
    }
}

TEST(chooses_from_the_environment)
{
    const char *note;
    struct rs_error err;

    unsetenv("ROWSTATION_TARGET");
    unsetenv("XCL_EMULATION_MODE");
    CHECK(strcmp(rs_uri_choose(NULL, &note, &err), "cpu") == 0 && note == NULL, "nothing set");
    setenv("XCL_EMULATION_MODE", "sw_emu", 1);
    CHECK(strcmp(rs_uri_choose(NULL, &note, &err), "emu") == 0 && note != NULL, "sw_emu");
    setenv("XCL_EMULATION_MODE", "hw_emu", 1);
    CHECK(strcmp(rs_uri_choose(NULL, &note, &err), "sim") == 0 && note != NULL, "hw_emu");
    setenv("XCL_EMULATION_MODE", "hw", 1);
    CHECK(rs_uri_choose(NULL, &note, &err) == NULL && strstr(err.text, "hw") != NULL, "hw");
    setenv("ROWSTATION_TARGET", "emu:tiny", 1);
    CHECK(strcmp(rs_uri_choose(NULL, &note, &err), "emu:tiny") == 0 && note == NULL, "ROWSTATION_TARGET wins");
    CHECK(strcmp(rs_uri_choose("cpu", &note, &err), "cpu") == 0, "a name given wins over all");
}

int main(void)
{
    RUN(takes_a_name_apart);
    RUN(has_defaults);
    RUN(refuses_what_is_malformed);
    RUN(chooses_from_the_environment);
    return test_exit();
}
