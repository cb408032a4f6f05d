/* test_device_memory.c - the allocator of device memory. */
#include "device_memory.h"
#include "test.h"

TEST(gives_pages_that_do_not_overlap)
{
    struct rs_device_memory m;
    uint64_t at[64] = {0}, size[64] = {0};

    rs_device_memory_init(&m, 0x4000000000, 64 * RS_DEVICE_PAGE);
    for (int round = 0; round < 20000; round++) {
        const int i = (int)rnd_range(0, 63);
        struct rs_error err;

        if (size[i] != 0) {
            rs_device_memory_release(&m, at[i]);
            size[i] = 0;
            continue;
        }
        size[i] = (uint64_t)rnd_range(1, 5 * RS_DEVICE_PAGE);
        if (rs_device_memory_alloc(&m, size[i], &at[i], &err) != RS_OK) {
            size[i] = 0;
            CHECK(err.status == RS_ERR_NOMEM, "%s", err.text);
            continue;
        }
        CHECK(at[i] % RS_DEVICE_PAGE == 0 && at[i] >= m.base && at[i] + size[i] <= m.base + m.bytes, "at %llx",
              (unsigned long long)at[i]);
        for (int k = 0; k < 64; k++)
            CHECK(k == i || size[k] == 0 || at[k] + size[k] <= at[i] || at[i] + size[i] <= at[k], "%d and %d overlap", i, k);
    }
    rs_device_memory_clear(&m);
}

TEST(uses_all_and_no_more)
{
    struct rs_device_memory m;
    uint64_t a, b, c;

    rs_device_memory_init(&m, 0, 3 * RS_DEVICE_PAGE);
    MUST(rs_device_memory_alloc(&m, 2 * RS_DEVICE_PAGE, &a, NULL) == RS_OK, "two pages");
    MUST(rs_device_memory_alloc(&m, RS_DEVICE_PAGE, &b, NULL) == RS_OK, "the third");
    CHECK(rs_device_memory_alloc(&m, 1, &c, NULL) == RS_ERR_NOMEM, "a fourth");
    rs_device_memory_release(&m, a);
    CHECK(rs_device_memory_alloc(&m, 2 * RS_DEVICE_PAGE + 1, &c, NULL) == RS_ERR_NOMEM, "three into two");
    CHECK(rs_device_memory_alloc(&m, 2 * RS_DEVICE_PAGE, &c, NULL) == RS_OK && c == a, "the same two again");
    CHECK(rs_device_memory_alloc(&m, 0, &c, NULL) == RS_ERR_ARG, "none");
    CHECK(rs_device_memory_alloc(&m, UINT64_MAX, &c, NULL) == RS_ERR_NOMEM, "far too many");
    rs_device_memory_clear(&m);
}

int main(void)
{
    RUN(gives_pages_that_do_not_overlap);
    RUN(uses_all_and_no_more);
    return test_exit();
}
