/* steps.h - loops of a sequencer: steps that are left, and whether this one is the last, which is known before the step. */
#ifndef RS_STEPS_H
#define RS_STEPS_H
#include <stdbool.h>
#include <stdint.h>

struct steps {                /* up to 4,095                                                 */
    uint32_t left : 12;
    bool     last;
};
struct few_steps {            /* up to 63                                                    */
    uint32_t left : 6;
    bool     last;
};

static inline struct steps steps_of(uint32_t n)
{
    struct steps s;

    s.left = n;
    s.last = n == 1;
    return s;
}

/* After a step; the loop starts again with n. */
static inline struct steps steps_next(struct steps s, uint32_t n)
{
    struct steps next = steps_of(n);

    if (!s.last) {
        next.left = s.left - 1u;
        next.last = s.left == 2;
    }
    return next;
}

static inline struct few_steps few_steps_of(uint32_t n)
{
    struct few_steps s;

    s.left = n;
    s.last = n == 1;
    return s;
}

static inline struct few_steps few_steps_next(struct few_steps s, uint32_t n)
{
    struct few_steps next = few_steps_of(n);

    if (!s.last) {
        next.left = s.left - 1u;
        next.last = s.left == 2;
    }
    return next;
}

#endif
