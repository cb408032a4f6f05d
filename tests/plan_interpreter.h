/*
 * plan_interpreter.h - a slow interpreter of command streams, in plain loops as docs/isa.md words them.
 *
 * A test tool: it checks plans without hardware, and is what a hardware run can be held against.  It shares nothing with
 * the planner but the field layout of isa.h.  With a seed, engines run in a random order that the waits permit, with
 * reads as early and writes as late as the hardware could do them; a plan whose waits are not enough then fails.
 */
#ifndef PLAN_INTERPRETER_H
#define PLAN_INTERPRETER_H
#include "plan.h"

struct pi_memory { uint8_t *data; size_t size; };

struct pi_result {
    char     text[256];            /* why it failed                                                  */
    int      command;              /* index of the command that failed, or -1                        */
    uint64_t macs;                 /* with real channels, filters and taps; padding taps counted     */
    uint64_t computes;
};

/* Called after each COMPUTE and POOL has written: for comparing with hardware.  May be NULL. */
typedef void (*pi_hook)(void *context, int command, const int8_t *glb);

/* Runs a stream until END.  @memory: base 0..3 (base 0 is not read: @commands is).  @seed 0: oldest command first. */
bool plan_interpret(const struct rs_hw_config *c, const uint32_t *commands, int n, struct pi_memory memory[4],
                    uint64_t seed, pi_hook hook, void *context, struct pi_result *result);

/* Runs one job of a plan: @arena (plan->arena_bytes) is base 2. */
bool plan_interpret_job(const struct rs_plan *plan, int job, uint8_t *arena, uint64_t seed, struct pi_result *result);

/* Runs a plan of a whole graph: jobs here, CPU nodes with rs_graph_run_node() (reference).  @inputs, @outputs as rs_graph_run_cpu(). */
bool plan_interpret_graph(const struct rs_plan *plan, const struct rs_graph *g, const void *const *inputs, void *const *outputs,
                          uint64_t seed, struct pi_result *result);
#endif
