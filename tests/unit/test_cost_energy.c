/* test_cost_energy.c - energy from counters, against sums made by hand; the Eyeriss chip's accesses against its published ones. */
#include <math.h>
#include "energy.h"
#include "eyeriss.h"
#include "study.h"
#include "test.h"

static struct rs_data data;

TEST(every_builtin_table_is_complete)
{
    static const char *const names[] = {"eyeriss", "horowitz45", "ultrascale"};
    struct rs_energy_table t;
    struct rs_error err;

    for (int i = 0; i < 3; i++) {
        MUST(rs_energy_table(&data, names[i], &t, &err) == RS_OK, "%s", err.text);
        for (int l = 0; l < RS_N_ENERGY; l++)
            CHECK(t.low[l] <= t.cost[l] && t.cost[l] <= t.high[l], "%s %s", names[i], rs_energy_level_name((enum rs_energy_level)l));
    }
    CHECK(t.worst == RS_RECALL, "the UltraScale+ table is from memory and says so: %d", t.worst);
    CHECK(rs_energy_table(&data, "none", &t, &err) == RS_ERR_FORMAT && strstr(err.text, "energy none") != NULL, "%s", err.text);
}

TEST(refuses_a_table_that_is_wrong)
{
    struct rs_data d = {0};
    struct rs_energy_table t;
    struct rs_error err;

    MUST(rs_data_parse(&d, "[energy x]\nmac = 1 pJ | assumed | 1 | me\n", "f", &err) == RS_OK, "%s", err.text);
    CHECK(rs_energy_table(&d, "x", &t, &err) == RS_ERR_FORMAT && strstr(err.text, "'unit'") != NULL, "%s", err.text);
    MUST(rs_data_parse(&d, "[energy x]\nunit = pJ\n", "f", &err) == RS_OK, "%s", err.text);
    CHECK(rs_energy_table(&d, "x", &t, &err) == RS_ERR_FORMAT && strstr(err.text, "'spad' is missing") != NULL, "%s", err.text);
    MUST(rs_data_parse(&d, "[energy x]\nmac = -1 pJ | assumed | 1 | me\n", "f", &err) == RS_OK, "%s", err.text);
    CHECK(rs_energy_table(&d, "x", &t, &err) == RS_ERR_RANGE, "%s", err.text);
    rs_data_free(&d);
}

/* A machine of 2 x 3 PEs, beats of 8 bytes, counts chosen so that each level has its own decimal place. */
TEST(sums_by_level_and_operand)
{
    const struct rs_device_info info = {.rows = 2, .cols = 3, .lanes = 2, .axi_bytes = 8};
    const struct rs_counters c = {.macs = 100, .macs_gated = 40, .mac_uops = 10, .ifmap_words = 5, .filter_words = 4, .drains = 3,
                                  .glb_reads = 20, .glb_writes = 12, .wbuf_reads = 6, .acc_updates = 7, .outputs = 9, .axi_read = 3,
                                  .axi_write = 2};
    struct rs_energy_table t = {.unit = "pJ", .gated = 0.5, .gated_low = 0.5, .gated_high = 1};
    struct rs_energy_counts n;
    struct rs_energy e;
    double sum = 0;

    rs_energy_counts(&c, &info, 16, &n);                   /* 24 bytes read, of these 16 filters */
    CHECK(n.count[RS_E_MAC][RS_OPERAND_NONE] == 60 && n.gated == 40, "%g", n.count[RS_E_MAC][RS_OPERAND_NONE]);
    CHECK(n.count[RS_E_SPAD][RS_OPERAND_IFMAP] == 60 + 30 && n.count[RS_E_SPAD][RS_OPERAND_FILTER] == 60 + 8, "%g %g",
          n.count[RS_E_SPAD][RS_OPERAND_IFMAP], n.count[RS_E_SPAD][RS_OPERAND_FILTER]);
    CHECK(n.count[RS_E_LINK][RS_OPERAND_IFMAP] == 30 && n.count[RS_E_LINK][RS_OPERAND_FILTER] == 16 &&
          n.count[RS_E_LINK][RS_OPERAND_PSUM] == 72, "%g", n.count[RS_E_LINK][RS_OPERAND_PSUM]);
    CHECK(n.count[RS_E_ACC][RS_OPERAND_PSUM] == 21 && n.count[RS_E_OUT][RS_OPERAND_PSUM] == 9, "acc, out");
    CHECK(n.count[RS_E_GLB][RS_OPERAND_IFMAP] == 40 + 8 && n.count[RS_E_GLB][RS_OPERAND_PSUM] == 24 - 8, "glb");
    CHECK(n.count[RS_E_WBUF][RS_OPERAND_FILTER] == 24 + 16, "wbuf");
    CHECK(n.count[RS_E_DRAM][RS_OPERAND_IFMAP] == 8 && n.count[RS_E_DRAM][RS_OPERAND_FILTER] == 16 &&
          n.count[RS_E_DRAM][RS_OPERAND_PSUM] == 16, "dram");
    for (int l = 0; l < RS_N_ENERGY; l++) {
        t.cost[l] = l + 1;
        t.low[l] = 1;
        t.high[l] = 10;
    }
    rs_energy(&n, &t, 1, &e);
    CHECK(fabs(e.total - (60 * 1 + 20 + 158 * 2 + 118 * 3 + 21 * 4 + 9 * 5 + 64 * 6 + 40 * 7 + 40 * 8)) < 1e-9, "total %g", e.total);
    for (int o = 0; o < RS_N_OPERANDS; o++)
        sum += e.operand[o];
    CHECK(fabs(sum - e.total) < 1e-9 && e.low <= e.total && e.total <= e.high, "%g %g %g", sum, e.low, e.high);
    const double before = e.total;
    rs_energy(&n, &t, 2, &e);
    CHECK(fabs(e.total - before - 40 * 8) < 1e-9, "doubling DRAM adds its share: %g", e.total - before);
}

TEST(the_chip_moves_what_the_mapping_says)
{
    struct rs_flow_study study;
    struct rs_eyeriss y;
    struct rs_error err;
    double macs = 0;

    MUST(rs_flow_study(&data, "isca16", &study, &err) == RS_OK && rs_eyeriss(&data, &study.energy, &y, &err) == RS_OK, "%s", err.text);
    for (int i = 0; i < y.n; i++) {
        CHECK(fabs(y.layer[i].glb_mb / y.layer[i].chip_glb_mb - 1) < 0.002, "%s: %.2f MB, the chip %.1f", y.layer[i].name,
              y.layer[i].glb_mb, y.layer[i].chip_glb_mb);
        macs += y.layer[i].macs;
    }
    CHECK(fabs(macs / 2663.1e6 - 1) < 0.001, "%g MACs", macs);
    for (int k = 0; k < 3; k++)
        CHECK(fabs(y.gated[k] - y.chip[k]) < 5, "part %d: %.1f %%, the chip %.1f %%", k, y.gated[k], y.chip[k]);
}

int main(void)
{
    struct rs_error err;

    if (rs_data_builtin(&data, &err) != RS_OK) {
        printf("%s\n", err.text);
        return 1;
    }
    RUN(every_builtin_table_is_complete);
    RUN(refuses_a_table_that_is_wrong);
    RUN(sums_by_level_and_operand);
    RUN(the_chip_moves_what_the_mapping_says);
    rs_data_free(&data);
    return test_exit();
}
