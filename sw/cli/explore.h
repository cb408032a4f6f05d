/*
 * explore.h - what the files of `rowstation explore` share: the keys of a configuration, the networks, the points.
 *
 * cmd_explore.c sweeps and ranks; explore_count.c builds points as emulators and counts them.
 */
#ifndef RS_CLI_EXPLORE_H
#define RS_CLI_EXPLORE_H
#include <pthread.h>
#include <stdbool.h>
#include "energy.h"
#include "estimate.h"

enum { EXPLORE_NETWORKS = 8, EXPLORE_VALUES = 16, EXPLORE_KEYS = 8, EXPLORE_THREADS = 8 };
enum { ROWS, COLS, FILTER, WINDOW, ACC, GLB, WBUF, ADDERS };       /* the first five decide mappings, the others only memory */

struct explore_key {
    const char *name, *macro, *what;
    int least, most, n, value[EXPLORE_VALUES];
};

/* A network as a chain of work for the array: layers in order, tensors between them. */
struct explore_tensor { int channels, pixels, first, last; };      /* the layer that makes it (0: the network's input), the last that reads it */
struct explore_layer {
    int shape;                                     /* in shapes; -1: a pool, which another engine does beside */
    int in, res, out;                              /* tensors; res: added to the ofmap, or -1                 */
    int H, W, R, S, U, E, F, pad_top, pad_left;
};
struct explore_network {
    char path[512], name[96];
    struct rs_graph *graph;
    int n_shapes, n_layers, n_tensors;
    struct rs_estimate_shape *shape;               /* each once                                               */
    struct explore_layer *layer;
    struct explore_tensor *tensor;
    double macs;
};

/* Device memory traffic of a layer under some size of the global buffer. */
struct explore_traffic {
    int64_t rows, tiles;                           /* ofmap rows of a tile                                    */
    double  load_bytes, store_bytes;               /* tensors; filters are not in it                          */
    double  first_bytes, last_bytes;               /* of the first tile's loads, of the last one's store      */
};
/**
 * explore_memory() - traffic[i] of each layer of @net with a buffer of @room blocks of @block channels; *fits: false, when a row of some
 * layer's tensors does not fit.  RS_ERR_NOMEM.
 */
RS_MUST_CHECK rs_status explore_memory(const struct explore_network *net, int block, int64_t room, struct explore_traffic *traffic,
                                       bool *fits, struct rs_error *err);

struct point {
    int    v[EXPLORE_KEYS];
    bool   fits, front, chosen, random;            /* random: drawn, not one of the best                     */
    double cycles[EXPLORE_NETWORKS], score;        /* estimated; score: geometric mean over the networks     */
    double energy;                                 /* by the first table; MACs, spads, DRAM only             */
    double dsp, bram, lut;
    double planned;                                /* geometric mean by the full planner; 0: not asked, -1: not all on the array */
    double counted[EXPLORE_NETWORKS];              /* in emulation; 0: not asked                             */
};

struct explore {
    struct explore_key key[EXPLORE_KEYS];
    const char *json, *html, *winner, *folder;     /* folder: where --count builds and keeps                 */
    int    n_networks, max_points, check, count, n_points, threads;
    uint64_t seed;
    struct explore_network network[EXPLORE_NETWORKS];
    struct point *point;
    struct rs_energy_table table;
    int    next;                                   /* group of points to do, under lock                      */
    pthread_mutex_t lock;
    rs_status status;
    struct rs_error err;
};

/* splitmix64 */
uint64_t explore_random(uint64_t *state);

/* @p as a preset's header that defines RS_PRESET_NAME @name; @what: what it is, in its comment. */
RS_MUST_CHECK rs_status explore_write_preset(const struct explore *x, const struct point *p, const char *path, const char *name,
                                             const char *what, struct rs_error *err);

struct explore_error { int n; double mean, worst, rho; };
/* Relative error and Spearman's rank correlation (ties share their ranks) of @estimated against @real, @n pairs; rho is NAN where
 * there is none. */
void explore_compare(const double *estimated, const double *real, int n, struct explore_error *e);

/* The @n_best best points of the Pareto front that the full planner maps whole, then as many drawn ones; chosen: [2 * n_best].  *off: how many were
 * passed over.  The points are sorted, best first. */
RS_MUST_CHECK rs_status explore_choose(struct explore *x, int n_best, struct point **chosen, int *n, int *off, struct rs_error *err);

/**
 * explore_count() - builds explore_choose()'s x->count best and random points as emulators, runs every network on each, and says
 * how far the estimates are from the counted clocks.
 * Needs the source folder (it runs make in it).  FOLDER/counts.csv keeps what was counted: what it holds is not counted again, so a run
 * that was cut off goes on.
 * Errors: RS_ERR_IO; RS_ERR_DEVICE (make failed, and whatever a run may return).
 */
RS_MUST_CHECK rs_status explore_count(struct explore *x, FILE *to, struct rs_error *err);
#endif
