/* test_xclbin.c - xclbin files: what is written is read back field by field; what is malformed is refused. */
#include "kernel.h"
#include "plan.h"
#include "test.h"
#include "xclbin.h"
#include "xml.h"

static struct rs_emulation sample(void)
{
    struct rs_emulation e = {.kind = "sim", .cards_cores = 2, .banks = 3, .bank_bytes = 1u << 30, .memory_base = 0x4000000000,
                             .clock_mhz = 275, .timing = {.latency_cycles = 77, .hostile_seed = UINT64_MAX, .fault_read = true,
                                                          .fault_address = 0x4000000040}};

    if (!rs_hw_config_named("default", &e.config))
        abort();
    return e;
}

static uint8_t *written(const struct rs_emulation *e, size_t *size)
{
    struct rs_error err;
    uint8_t *bytes = NULL;

    CHECK(rs_emulation_xclbin(e, "/opt/rs_xrt_device", &bytes, size, &err) == RS_OK, "%s", err.text);
    return bytes;
}

TEST(an_emulation_xclbin_reads_back_field_by_field)
{
    static struct rs_xclbin x;
    const struct rs_emulation e = sample();
    struct rs_error err;
    size_t size;
    uint8_t *bytes = written(&e, &size);

    MUST(bytes != NULL, "not written");
    MUST(rs_xclbin_read(bytes, size, &x, &err) == RS_OK, "%s", err.text);
    CHECK(x.mode == RS_XCLBIN_HW_EMU && strcmp(x.project, "rowstation") == 0, "mode %u, project %s", x.mode, x.project);
    CHECK(strcmp(x.part, "virtexuplus:xcu250:figd2104:-2L-e") == 0 && strcmp(x.platform, "rowstation:emulation:1:0") == 0, "%s %s",
          x.part, x.platform);
    MUST(x.n_kernels == 1 && x.n_cus == 2 && x.n_memories == 3 && x.n_connections == 8 && x.n_clocks == 1, "%u %u %u %u %u",
         x.n_kernels, x.n_cus, x.n_memories, x.n_connections, x.n_clocks);
    CHECK(x.clocks[0].mhz == 275 && x.clocks[0].type == 1 && strcmp(x.clocks[0].name, "DATA_CLK") == 0, "%u", x.clocks[0].mhz);
    for (uint32_t i = 0; i < 3; i++) {
        char tag[16];

        snprintf(tag, sizeof tag, "bank%u", i);
        CHECK(strcmp(x.memories[i].tag, tag) == 0 && x.memories[i].type == RS_MEMORY_DDR4 && x.memories[i].used &&
              x.memories[i].kilobytes == 1u << 20 && x.memories[i].base == 0x4000000000 + ((uint64_t)i << 30), "memory %u", i);
    }
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(strcmp(x.cus[i].name, i == 0 ? "rs:rs_1" : "rs:rs_2") == 0 && x.cus[i].base == 0x1800000 + 0x10000 * i &&
              x.cus[i].properties == 0, "unit %u %s", i, x.cus[i].name);
        for (uint32_t a = 0; a < 4; a++) {
            const struct rs_xclbin_connection c = x.connections[4 * i + a];

            CHECK(c.arg == a && c.cu == i && c.memory == 2, "connection %u %u %u", c.arg, c.cu, c.memory);
        }
    }
    CHECK(strcmp(x.kernels[0].name, "rs") == 0 && x.kernels[0].n_args == 5, "%s", x.kernels[0].name);
    CHECK(x.kernels[0].args[4].offset == RS_REG_COUNT && x.kernels[0].args[4].qualifier == 0 &&
          strcmp(x.kernels[0].args[4].port, "s_axi_control") == 0 && x.kernels[0].args[4].id == 4, "count");
    CHECK(x.kernels[0].args[1].offset == RS_REG_BASE1 && x.kernels[0].args[1].bytes == 8 &&
          strcmp(x.kernels[0].args[1].port, "m_axi_gmem") == 0 && strcmp(x.kernels[0].args[1].type, "void*") == 0, "filters");
    CHECK(rs_xclbin_check_kernel(&x, "rs", &err) == RS_OK, "%s", err.text);
    free(bytes);
}

TEST(its_description_reads_back)
{
    const struct rs_emulation e = sample();
    struct rs_emulation back;
    const uint8_t *user, *zip, *data;
    size_t size, user_bytes, zip_bytes, data_bytes;
    bool executable;
    uint8_t *bytes = written(&e, &size);
    struct rs_error err;

    MUST(bytes != NULL && rs_xclbin_section(bytes, size, RS_XCLBIN_USER_METADATA, &user, &user_bytes), "no description");
    MUST(rs_emulation_parse((const char *)user, user_bytes, &back, &err) == RS_OK, "%s", err.text);
    CHECK(memcmp(&back, &e, sizeof e) == 0, "differs:\n%.*s", (int)user_bytes, user);
    MUST(rs_xclbin_section(bytes, size, RS_XCLBIN_BITSTREAM, &zip, &zip_bytes), "no BITSTREAM");
    MUST(rs_zip_find(zip, zip_bytes, "behav_waveform/xsim/rowstation.cfg", &data, &data_bytes, &executable), "no rowstation.cfg");
    CHECK(data_bytes == user_bytes && memcmp(data, user, data_bytes) == 0 && !executable, "not the same text");
    MUST(rs_zip_find(zip, zip_bytes, "behav_waveform/xsim/simulate.sh", &data, &data_bytes, &executable), "no simulate.sh");
    CHECK(executable && data_bytes > 10 && memcmp(data, "#!/bin/sh\n", 10) == 0, "simulate.sh cannot be started");
    CHECK(!rs_zip_find(zip, zip_bytes, "simulate.sh", &data, &data_bytes, &executable), "found what is not there");
    free(bytes);
}

TEST(the_uuid_follows_the_content)
{
    struct rs_emulation e = sample();
    static struct rs_xclbin a, b;
    size_t size, again_size;
    uint8_t *bytes = written(&e, &size), *again = written(&e, &again_size);

    MUST(bytes != NULL && again != NULL && size == again_size && memcmp(bytes, again, size) == 0, "not the same twice");
    free(again);
    e.timing.latency_cycles++;
    again = written(&e, &again_size);
    CHECK(rs_xclbin_read(bytes, size, &a, NULL) == RS_OK && rs_xclbin_read(again, again_size, &b, NULL) == RS_OK &&
          memcmp(a.uuid, b.uuid, 16) != 0, "two designs, one uuid");
    free(bytes);
    free(again);
}

/* Every cut and many damaged bytes: refused or read, never a crash (sanitizers watch). */
TEST(survives_hostile_files)
{
    static struct rs_xclbin x;
    const struct rs_emulation e = sample();
    size_t size, refused = 0;
    uint8_t *bytes = written(&e, &size);

    MUST(bytes != NULL, "not written");
    for (size_t n = 0; n < size; n++) {
        uint8_t *cut = malloc(n + 1);

        memcpy(cut, bytes, n);
        CHECK(rs_xclbin_read(cut, n, &x, NULL) == RS_ERR_FORMAT, "%zu of %zu bytes were accepted", n, size);
        free(cut);
    }
    for (int i = 0; i < 20000; i++) {
        const size_t at = (size_t)rnd_range(0, i % 2 == 0 ? 900 : (int64_t)size - 1);
        const uint8_t old = bytes[at];
        const uint8_t *data;
        size_t n;
        bool executable;

        bytes[at] = (uint8_t)(old ^ 1u << rnd_range(0, 7));
        if (rs_xclbin_read(bytes, size, &x, NULL) != RS_OK) {
            refused++;
        } else {
            struct rs_emulation back;

            (void)!rs_xclbin_check_kernel(&x, "rs", NULL);
            if (rs_xclbin_section(bytes, size, RS_XCLBIN_BITSTREAM, &data, &n))
                (void)rs_zip_find(data, n, "behav_waveform/xsim/simulate.sh", &data, &n, &executable);
            if (rs_xclbin_section(bytes, size, RS_XCLBIN_USER_METADATA, &data, &n))
                (void)!rs_emulation_parse((const char *)data, n, &back, NULL);
        }
        bytes[at] = old;
    }
    CHECK(refused > 0, "nothing was refused");
    free(bytes);
}

TEST(a_drifted_kernel_is_listed_difference_by_difference)
{
    static struct rs_xclbin x;
    const struct rs_emulation e = sample();
    struct rs_error err;
    size_t size;
    uint8_t *bytes = written(&e, &size);

    MUST(bytes != NULL && rs_xclbin_read(bytes, size, &x, NULL) == RS_OK, "not written");
    free(bytes);
    CHECK(rs_xclbin_check_kernel(&x, "vadd", &err) == RS_ERR_MISMATCH && strstr(err.text, "it has: rs") != NULL, "%s", err.text);
    x.kernels[0].args[2].offset = 0x2C;
    strcpy(x.kernels[0].args[1].name, "weights");
    x.kernels[0].args[4].bytes = 8;
    x.kernels[0].args[3].qualifier = 0;
    CHECK(rs_xclbin_check_kernel(&x, "rs", &err) == RS_ERR_MISMATCH, "accepted");
    CHECK(strstr(err.text, "activations at 0x2c, expected 0x28") != NULL && strstr(err.text, "is 'weights', expected 'filters'") != NULL &&
          strstr(err.text, "count has 8 bytes, expected 4") != NULL && strstr(err.text, "status has addressQualifier 0") != NULL, "%s", err.text);
    x.kernels[0].n_args = 4;
    CHECK(rs_xclbin_check_kernel(&x, "rs", &err) == RS_ERR_MISMATCH && strstr(err.text, "4 arguments, expected 5") != NULL, "%s", err.text);
}

TEST(refuses_what_xrt_cannot_emulate)
{
    struct rs_emulation e = sample();
    struct rs_error err;
    uint8_t *bytes = NULL;
    size_t size;

    e.memory_base = 0x4000000010;
    CHECK(rs_emulation_xclbin(&e, "d", &bytes, &size, &err) == RS_ERR_RANGE && strstr(err.text, "4096") != NULL, "%s", err.text);
    e.memory_base = 0;
    CHECK(rs_emulation_xclbin(&e, "a\"b", &bytes, &size, &err) == RS_ERR_RANGE && bytes == NULL, "%s", err.text);
}

TEST(refuses_malformed_descriptions)
{
    static const char *const texts[] = {"", "rowstation 2\npreset a\nconfig_hash 1\n", "preset a\n", "rowstation 1\npreset ../a\nconfig_hash 1\n",
        "rowstation 1\npreset a\n", "rowstation 1\npreset a\nconfig_hash 1\nnonsense 3\n", "rowstation 1\npreset a\nconfig_hash 0x100000000\n",
        "rowstation 1\npreset a\nconfig_hash 1\nkind sim\n", "rowstation 1\npreset a\nconfig_hash 1\nkind sim\ncores 3\nbanks 1\nbank_bytes 65536\n",
        "rowstation 1\npreset\n"};
    struct rs_emulation e;
    struct rs_error err;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        CHECK(rs_emulation_parse(texts[i], strlen(texts[i]), &e, &err) == RS_ERR_FORMAT, "accepted: %s", texts[i]);
    CHECK(rs_emulation_parse("rowstation 1\npreset a\nconfig_hash 1", 36, &e, &err) == RS_OK && e.kind[0] == '\0', "a card's: %s", err.text);
}

TEST(xml_tags_and_attributes)
{
    static const char text[] = "<?xml version='1.0'?><!-- <a x='9'/> --><a x = \"1&lt;2\" y='>'>text<b/></a><c z='";
    struct rs_xml xml = {text, text + sizeof text - 1};
    struct rs_xml_tag tag;
    char value[8];

    MUST(rs_xml_next(&xml, &tag) && rs_xml_is(&tag, "a") && !tag.closing, "a");
    CHECK(rs_xml_get(&tag, "x", value, sizeof value) && strcmp(value, "1<2") == 0, "%s", value);
    CHECK(rs_xml_get(&tag, "y", value, sizeof value) && strcmp(value, ">") == 0, "%s", value);
    CHECK(!rs_xml_get(&tag, "z", value, sizeof value), "z");
    MUST(rs_xml_next(&xml, &tag) && rs_xml_is(&tag, "b"), "b");
    MUST(rs_xml_next(&xml, &tag) && rs_xml_is(&tag, "a") && tag.closing, "/a");
    CHECK(!rs_xml_next(&xml, &tag), "a tag that does not end");
}

int main(void)
{
    RUN(an_emulation_xclbin_reads_back_field_by_field);
    RUN(its_description_reads_back);
    RUN(the_uuid_follows_the_content);
    RUN(survives_hostile_files);
    RUN(a_drifted_kernel_is_listed_difference_by_difference);
    RUN(refuses_what_xrt_cannot_emulate);
    RUN(refuses_malformed_descriptions);
    RUN(xml_tags_and_attributes);
    return test_exit();
}
