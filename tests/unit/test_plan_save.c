/* test_plan_save.c - plans in files: what comes back is what went in; damaged files and other configurations are refused. */
#include "test.h"
#include "plan.h"
#include "plan_interpreter.h"
#include "test_graph_build.h"
#include <unistd.h>

static char path[64] = "/tmp/rs_plan_save_XXXXXX";

static struct rs_plan *some_plan(const char *preset)
{
    static int8_t filter[40 * 9 * 20];
    static int32_t mult[40], shift[40];
    struct rs_hw_config c;
    struct rs_plan *plan = NULL;
    struct rs_error err;
    struct rs_plan_layer p = { .kind = RS_PLAN_CONV, .filter = filter,
                               .shape = { .n = 1, .h = 17, .w = 13, .c = 20, .m = 40, .r = 3, .s = 3, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1,
                                          .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1, .e = 17, .f = 13 },
                               .quant = { .zp_in = 4, .act_min = -128, .act_max = 127, .count = 40, .mult = mult, .shift = shift } };

    test_rng = 77;
    for (size_t i = 0; i < sizeof filter; i++)
        filter[i] = (int8_t)rnd();
    for (int i = 0; i < 40; i++) {
        mult[i] = (int32_t)rnd_range(1 << 30, INT32_MAX);
        shift[i] = -10;
    }
    if (!rs_hw_config_named(preset, &c) || rs_plan_layer(&p, &c, NULL, &plan, &err) != RS_OK)
        printf("  %s\n", err.text);
    return plan;
}

/* A product of two activations: one input is packed as filters, the other transposed. */
static struct rs_plan *product_plan(const char *preset)
{
    struct rs_hw_config c;
    struct rs_plan *plan = NULL;
    struct rs_error err;
    struct rs_graph *g = b_graph();
    const int input = b_tensor(g, "in", 3, B_DIMS(3, 20, 9), 0.1f, -7, NULL);
    const int out = b_node(g, (struct rs_node){ .op = RS_OP_BATCH_MATMUL, .adjoint_x = true }, (const int[]){ input, input }, 2, 1.0f, 3);

    b_finish(g, input, &out, 1);
    if (!rs_hw_config_named(preset, &c) || rs_plan_graph(g, &c, NULL, &plan, &err) != RS_OK)
        printf("  %s\n", err.text);
    rs_graph_destroy(g);
    return plan;
}

static bool same_filter(const struct rs_plan_filter *a, const struct rs_plan_filter *b)
{
    return a == NULL || b == NULL ? a == b
        : a->K == b->K && a->N == b->N && a->planes == b->planes && a->transposed == b->transposed && a->mult == b->mult && a->shift == b->shift &&
          a->rows == b->rows && memcmp(&a->map, &b->map, sizeof a->map) == 0 && a->n_images == b->n_images && a->n_tiles == b->n_tiles &&
          memcmp(a->matrix, b->matrix, sizeof *a->matrix * (size_t)a->n_images) == 0 && memcmp(a->tiles, b->tiles, sizeof *a->tiles * (size_t)a->n_tiles) == 0 &&
          a->image_bytes == b->image_bytes;
}

static bool same_tensors(const struct rs_plan_tensor *a, const struct rs_plan_tensor *b, int n)
{
    for (int i = 0; i < n; i++) {
        struct rs_plan_tensor x = a[i], y = b[i];

        if (!same_filter(x.filter, y.filter))
            return false;
        x.filter = y.filter = NULL;
        if (memcmp(&x, &y, sizeof x) != 0)
            return false;
    }
    return true;
}

static bool same(const struct rs_plan *a, const struct rs_plan *b)
{
    const struct rs_plan_job *x = &a->jobs[0], *y = &b->jobs[0];

    return memcmp(&a->config, &b->config, sizeof a->config) == 0 && a->n_steps == b->n_steps && a->n_jobs == b->n_jobs && a->n_actions == b->n_actions &&
           a->commands_bytes == b->commands_bytes && memcmp(a->commands, b->commands, a->commands_bytes) == 0 && a->image_bytes == b->image_bytes &&
           memcmp(a->image, b->image, a->image_bytes) == 0 && a->arena_bytes == b->arena_bytes && a->status_bytes == b->status_bytes &&
           memcmp(a->steps, b->steps, sizeof *a->steps * (size_t)a->n_steps) == 0 && x->n_commands == y->n_commands && x->n_inputs == y->n_inputs &&
           same_tensors(x->inputs, y->inputs, x->n_inputs) && memcmp(x->outputs, y->outputs, sizeof *x->outputs * (size_t)x->n_outputs) == 0 &&
           memcmp(x->snapshots, y->snapshots, sizeof *x->snapshots * (size_t)x->n_snapshots) == 0 && a->cycles == b->cycles && a->actions[0].is_job == b->actions[0].is_job;
}

TEST(a_plan_comes_back_as_it_went)
{
    for (int product = 0; product < 2; product++) {
        struct rs_plan *plan = product ? product_plan("small") : some_plan("small"), *back = NULL;
        struct rs_error err = { 0 };

        MUST(plan != NULL, "no plan");
        CHECK(rs_plan_save(plan, path, &err) == RS_OK, "%s", err.text);
        CHECK(rs_plan_load(path, &plan->config, &back, &err) == RS_OK, "%s", err.text);
        CHECK(back != NULL && same(plan, back), "not the same");
        rs_plan_free(back);
        rs_plan_free(plan);
    }
}

TEST(refuses_another_configuration)
{
    struct rs_plan *plan = some_plan("small"), *back;
    struct rs_hw_config other;
    struct rs_error err = { 0 };

    MUST(plan != NULL && rs_hw_config_named("tiny", &other), "no plan");
    CHECK(rs_plan_save(plan, path, &err) == RS_OK, "%s", err.text);
    CHECK(rs_plan_load(path, &other, &back, &err) == RS_ERR_MISMATCH && back == NULL, "%s", err.text);
    rs_plan_free(plan);
}

/* Numbers of packed filters that would have the host write outside their place, with a checksum that is right. */
TEST(refuses_filters_that_do_not_fit)
{
    enum { KINDS = 9 };

    for (int kind = 0; kind < KINDS; kind++) {
        struct rs_plan *plan = product_plan("small"), *back = NULL;
        struct rs_error err = { 0 };

        MUST(plan != NULL && plan->jobs[0].n_inputs == 2 && plan->jobs[0].inputs[1].filter != NULL && plan->jobs[0].inputs[0].transposed_rows == 9, "another plan");
        struct rs_plan_tensor *t = &plan->jobs[0].inputs[1];
        struct rs_plan_filter *f = t->filter;

        switch (kind) {
        case 0: t->bytes -= f->image_bytes; break;
        case 1: f->image_bytes += 64; break;
        case 2: f->tiles[f->n_tiles - 1].offset_bytes += 32; break;
        case 3: f->tiles[f->n_tiles - 1].pairs *= 2; break;
        case 4: f->tiles[0].nm = f->N + 1; break;
        case 5: f->planes = 3; break;
        case 6: f->map.q = 0; break;
        case 7: f->K = 4000; break;
        default: plan->jobs[0].inputs[0].transposed_rows = 7; break;
        }
        CHECK(rs_plan_save(plan, path, &err) == RS_OK || kind == 4 || kind == 8, "%s", err.text);
        CHECK(rs_plan_load(path, NULL, &back, &err) == RS_ERR_FORMAT && back == NULL, "kind %d: taken", kind);
        rs_plan_free(back);
        rs_plan_free(plan);
    }
}

/* Cut at every 97th byte, and a bit flipped at every 61st: refused, without a crash. */
TEST(refuses_damaged_files)
{
    struct rs_plan *plan = product_plan("tiny"), *back;
    struct rs_error err = { 0 };
    static uint8_t all[200000], one[200000];
    size_t size;
    FILE *f;

    MUST(plan != NULL && rs_plan_save(plan, path, &err) == RS_OK, "%s", err.text);
    f = fopen(path, "rb");
    MUST(f != NULL, "cannot read");
    size = fread(all, 1, sizeof all, f);
    fclose(f);
    MUST(size > 1000 && size < sizeof all, "file of %zu bytes", size);
    for (size_t i = 0; i < size; i += i < 600 ? 1 : 97)
        for (int kind = 0; kind < 2; kind++) {
            const size_t n = kind == 0 ? i : size;

            memcpy(one, all, size);
            if (kind == 1)
                one[i] ^= (uint8_t)(1u << i % 8);
            f = fopen(path, "wb");
            MUST(f != NULL && fwrite(one, 1, n, f) == n && fclose(f) == 0, "cannot write");
            back = NULL;
            const rs_status s = rs_plan_load(path, NULL, &back, &err);

            CHECK(s == RS_ERR_FORMAT && back == NULL, "byte %zu, kind %d: status %d", i, kind, s);
            rs_plan_free(back);
        }
    CHECK(rs_plan_load("/nonexistent/plan", NULL, &back, &err) == RS_ERR_IO, "%s", err.text);
    rs_plan_free(plan);
}

TEST(encoder_checks_ranges)
{
    uint32_t command[RS_COMMAND_WORDS] = { 0 };
    struct rs_error err = { 0 };
    char text[1600];

    CHECK(rs_encode(command, RS_FIELD_NS, 63, &err) == RS_OK && rs_encode(command, RS_FIELD_NS, 64, &err) == RS_ERR_RANGE, "NS");
    CHECK(strstr(err.text, "NS = 64 does not fit 6 unsigned bits") != NULL, "%s", err.text);
    CHECK(rs_encode(command, RS_FIELD_H0, -32768, &err) == RS_OK && rs_encode(command, RS_FIELD_H0, -32769, &err) == RS_ERR_RANGE, "H0");
    CHECK(rs_encode(command, RS_FIELD_OFFSET, 0xFFFFFFFF, &err) == RS_OK && RS_GET_U(command, OFFSET) == 0xFFFFFFFFu, "OFFSET");
    memset(command, 0, sizeof command);
    CHECK(rs_encode(command, RS_FIELD_OP, RS_OP_COMPUTE, &err) == RS_OK && rs_encode(command, RS_FIELD_H0, -3, &err) == RS_OK && rs_encode(command, RS_FIELD_WAIT_POOL, 9, &err) == RS_OK, "%s", err.text);
    CHECK(strstr(rs_disassemble(command, text, sizeof text), "COMPUTE") != NULL && strstr(text, "wait 0,0,9,0") != NULL && strstr(text, " H0=-3 ") != NULL, "%s", text);
    CHECK(strlen(rs_disassemble(command, text, 20)) == 19, "cut text");
}

int main(void)
{
    const int fd = mkstemp(path);

    if (fd < 0)
        return 2;
    close(fd);
    RUN(a_plan_comes_back_as_it_went);
    RUN(refuses_another_configuration);
    RUN(refuses_filters_that_do_not_fit);
    RUN(refuses_damaged_files);
    RUN(encoder_checks_ranges);
    unlink(path);
    return test_exit();
}
