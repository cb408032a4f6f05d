/* test_plan_jobs.c - where the jobs of a plan begin: the command processor fetches four commands a burst, and none crosses 4 KiB. */
#include "network_csv.h"
#include "plan.h"
#include "test.h"

TEST(every_job_starts_at_a_multiple_of_a_fetch)
{
    struct rs_hw_config c;
    struct rs_graph *g;
    struct rs_plan *p;
    struct rs_error err;

    MUST(rs_hw_config_named("small", &c), "no preset small");
    c.cols = 16;                                   /* 8 x 16: MobileNetV2 becomes two jobs, the first of 11,442 commands */
    c.wbuf_words = 8192;
    MUST(rs_network_csv_load("tests/workloads/mobilenet_v2.csv", 1, &g, &err) == RS_OK, "%s", err.text);
    MUST(rs_graph_optimize(g, RS_PASS_ALL, NULL, &err) == RS_OK, "%s", err.text);
    MUST(rs_plan_graph(g, &c, &(struct rs_plan_options){.quick = true}, &p, &err) == RS_OK, "%s", err.text);
    CHECK(p->n_jobs >= 2, "%d jobs: this case tests nothing any more", p->n_jobs);
    for (int i = 0; i < p->n_jobs; i++)
        CHECK(p->jobs[i].commands_offset_bytes % (4 * RS_COMMAND_BYTES) == 0, "job %d at %zu", i, p->jobs[i].commands_offset_bytes);
    rs_plan_free(p);
    rs_graph_destroy(g);
}

int main(void)
{
    RUN(every_job_starts_at_a_multiple_of_a_fetch);
    return test_exit();
}
