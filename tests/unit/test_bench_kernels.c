/* test_bench_kernels.c - the workload table is consistent, and the timing function times. */
#include "bench.h"
#include "test.h"

TEST(workloads_are_consistent)
{
    CHECK(rs_bench_count() == 17, "%d", rs_bench_count());
    CHECK(rs_bench_workload_at(-1) == NULL && rs_bench_workload_at(17) == NULL, "past the ends");
    for (int i = 0; i < rs_bench_count(); i++) {
        const struct rs_bench_workload *w = rs_bench_workload_at(i);
        const struct rs_conv_shape *sh = &w->sh;
        const int64_t macs = (int64_t)sh->e * sh->f * sh->m * sh->r * sh->s * (w->kind == RS_BENCH_DEPTHWISE ? 1 : sh->c);

        CHECK(sh->e == rs_conv_out_extent(sh->h, sh->r, sh->stride_h, 1, sh->pad_top, sh->pad_bottom), "%s E", w->name);
        CHECK(sh->f == rs_conv_out_extent(sh->w, sh->s, sh->stride_w, 1, sh->pad_left, sh->pad_right), "%s F", w->name);
        CHECK(w->macs == macs, "%s: %lld MACs, want %lld", w->name, (long long)w->macs, (long long)macs);
    }
}

TEST(times_a_layer_on_each_instruction_set)
{
    struct rs_error err;

    for (int isa = 0; isa < RS_ISA_COUNT; isa++) {
        struct rs_bench_result r = { 0 };

        if (!rs_isa_available((enum rs_isa)isa))
            continue;
        MUST(rs_isa_select(rs_isa_name((enum rs_isa)isa), &err) == RS_OK, "%s", err.text);
        MUST(rs_bench_run(13, isa == RS_ISA_REF, 1e-4, &r, &err) == RS_OK, "%s", err.text);
        CHECK(r.ns > 0 && r.best_ns > 0 && r.best_ns <= r.ns && r.calls >= 1 && r.packed_bytes > 4096, "%s: %g ns",
              rs_isa_name((enum rs_isa)isa), r.ns);
        MUST(rs_bench_run(12, false, 1e-4, &r, &err) == RS_OK, "%s", err.text);
    }
}

TEST(refuses_bad_arguments)
{
    struct rs_bench_result r;
    struct rs_error err;

    CHECK(rs_bench_run(17, false, 0.1, &r, &err) == RS_ERR_ARG, "17");
    CHECK(rs_bench_run(-1, false, 0.1, &r, &err) == RS_ERR_ARG, "-1");
    CHECK(rs_bench_run(0, false, 0.1, NULL, &err) == RS_ERR_ARG, "null");
    CHECK(rs_bench_run(0, false, 0.0, &r, &err) == RS_ERR_RANGE, "0 s");
    CHECK(rs_bench_run(0, false, 61.0, &r, &err) == RS_ERR_RANGE, "61 s");
}

int main(void)
{
    RUN(workloads_are_consistent);
    RUN(times_a_layer_on_each_instruction_set);
    RUN(refuses_bad_arguments);
    return test_exit();
}
