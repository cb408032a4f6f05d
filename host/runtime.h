/*
 * runtime.h - what the files of host/ share: device, model, request, and how work moves between threads.
 *
 * A request has `batch` items.  An item in progress occupies a slot of its model: a host arena, staging for blocked
 * tensors, and its own activations and status area in device memory.  It goes through the plan's actions, by turns in
 *   host threads  (layout conversion, CPU nodes)         queue: device->host_ready
 *   array thread  (upload, start, wait, read back)       queue: device->array_ready
 * so one item's host work overlaps another's array work.  `cpu` has host threads only.
 *
 * Locks: device->lock guards queues, slots, requests and generation; it is never held while working.
 * device->turn is held around every back-end call; taken in order of arrival, so that the array thread, which takes it
 * again and again, starves nobody.  Whoever holds turn may take lock, not the other way.
 */
#ifndef RS_RUNTIME_H
#define RS_RUNTIME_H
#include <pthread.h>
#include "device.h"
#include "graph.h"
#include "plan.h"
#include "pool.h"

#define RS_MAX_HOST_THREADS 8
#define RS_SLOTS_BESIDE_CORES 2        /* items in host stages while every core is busy          */

struct rs_turn {                       /* a lock served in order of arrival                      */
    pthread_mutex_t mutex;
    pthread_cond_t  changed;
    uint64_t next, serving;
};

/* What a job gave for its inputs, for `replay`. */
struct rs_answer {
    struct rs_answer *next;
    uint8_t *staging;                  /* inputs, then outputs, as in a slot                     */
    struct rs_counters job, *layers;   /* of the job; [n_snapshots]                              */
};

struct rs_slot {
    struct rs_model   *model;
    struct rs_request *request;        /* NULL: free                                             */
    uint32_t item;
    int      action;                   /* index of the next (or running) action                  */
    bool     job_done;                 /* the running action is a job, and its outputs are staged */
    struct rs_slot *next;              /* in a queue                                             */

    uint8_t *arena;                    /* host tensors, and CPU scratch                          */
    void   **data;                     /* [tensor id]                                            */
    uint8_t *staging;                  /* blocked inputs, then outputs, of one job               */
    uint64_t device_arena, device_status;
    bool     on_device;                /* the two are allocated                                  */

    /* While a job runs. */
    uint64_t start_clock, start_contention, limit_cycles;
    double   start_seconds, step_seconds;
    double   transfer_seconds;         /* to begin it                                            */
    double   ready_seconds;            /* when it was handed to the array                        */
    double   due_seconds;              /* paced: not before; below 0: it is not yet known        */
    const struct rs_answer *answer;    /* of a job that is not clocked                           */
    int      layers_done;
};

struct rs_queue { struct rs_slot *first, *last; };

struct rs_device {
    struct rs_uri uri;
    struct rs_open_options options;
    const struct rs_backend *backend;  /* NULL: cpu                                              */
    void *handle;
    struct rs_hw_config config;        /* of the back end                                        */
    char  target[64];
    bool  fallback;
    char  fallback_reason[256];
    double   pace;                     /* under turn: answers are held for so much of their modelled time */
    uint32_t replay;                   /* under turn: answers kept a model                       */
    double   free_seconds[RS_MAX_CORES];       /* under turn: when a modelled core is done with its last job */

    pthread_mutex_t lock;
    pthread_cond_t  changed;           /* anything below changed                                 */
    struct rs_turn  turn;
    int      references;               /* open counts one, each model, buffer and request one    */
    bool     closing, dead;            /* dead: reset failed                                     */
    bool     reset_wanted;
    uint64_t generation;               /* goes up when device memory is lost                     */
    struct rs_queue host_ready, array_ready;
    struct rs_request *first_request, *last_request;   /* with items that have not begun         */
    struct rs_request *running;        /* all that are not freed                                 */
    int      unfinished;               /* requests                                               */

    pthread_t host_thread[RS_MAX_HOST_THREADS], array_thread;
    int      n_host_threads;
    bool     has_array_thread;
    struct rs_pool *pool;              /* cpu, threads=: that run a layer together; else NULL     */
    pthread_mutex_t hook_lock;         /* around the user's tensor hook                          */

    char wave_file[1024], wave_layer[256];     /* under turn                                     */
    bool wave_wanted, wave_on, wave_seen;      /* a layer's is awaited; being written; was begun */
};

struct rs_buffer {
    struct rs_device *device;
    size_t   bytes;
    uint64_t address;
    uint8_t *host;                     /* cpu                                                    */
    uint64_t generation;               /* of the last write                                      */
    bool     written;
};

struct rs_model {
    struct rs_device *device;
    struct rs_load_options options;
    struct rs_graph *graph;
    struct rs_memory_plan *memory;     /* for runs on the CPU alone                              */
    struct rs_packed_graph *packed;    /* without a plan, and not for reference; else NULL       */
    struct rs_plan  *plan;             /* NULL: CPU alone                                        */
    int      n_outputs;                /* the network's own; keep_all adds more to the graph     */
    bool     keep_all;
    void    *file;                     /* the .tflite it came from, for rs_model_save()          */
    size_t   file_bytes;

    size_t   arena_bytes, scratch_offset, staging_bytes;
    size_t  *offset;                   /* [tensor id] in the host arena; RS_NO_OFFSET            */
    int     *root;                     /* [tensor id], from memory->root                         */

    uint64_t commands_address, image_address;
    bool     on_device;                /* the two are allocated                                  */
    uint64_t generation;               /* for which they were written                            */

    struct rs_slot *slots;
    int      n_slots;
    struct rs_answer *answers;         /* newest first; array thread                             */
    int      n_answers;
    struct rs_layer_report *layers;    /* what never changes: names, places, MACs                */
    int      n_layers;
    int     *layer_of;                 /* [node]: index in layers, or -1                         */
    char    *names;                    /* text that layers point to                              */

    pthread_mutex_t batch_lock;        /* around the two below                                   */
    struct rs_batch *batches;          /* whole batches planned, see batch.c                     */
    uint32_t plans_made;
};

struct rs_request {
    struct rs_device *device;
    struct rs_model  *model;
    struct rs_request *next, *next_running;
    const void **inputs;
    void   **outputs;
    uint32_t batch, begun, ended;      /* items                                                  */
    bool     done, cancelled, on_cpu;  /* on_cpu: what is left goes to the CPU (fallback)        */
    rs_status status;
    struct rs_error err;
    struct rs_report report;
    struct rs_layer_report *layers;
    char     fallback_reason[256];
    double   start_seconds;
    struct rs_batch *whole;            /* the plan that it uses, its batch being one item of it; or NULL */
};

double rs_seconds(void);                                           /* monotonic              */

/* device.c */
void rs_turn_take(struct rs_turn *turn);
void rs_turn_give(struct rs_turn *turn);
void rs_device_hold(struct rs_device *d);
void rs_device_put(struct rs_device *d);
/* `pace` (as a factor) and `replay` of rs_open(), for jobs that begin from now on. */
void rs_device_pace(struct rs_device *d, double pace, uint32_t replay);
void rs_device_message(const struct rs_device *d, const char *text);

/* model.c */
/* A model of @graph (prepared, and optimized as wanted), which it owns from the call on, whatever it returns. */
RS_MUST_CHECK rs_status rs_model_from_graph(struct rs_device *device, struct rs_graph *graph,
                                            const struct rs_load_options *options,
                                            struct rs_model **model, struct rs_error *err);
/* Commands and image into device memory if they are not there.  Turn is held. */
RS_MUST_CHECK rs_status rs_model_upload(struct rs_model *m, struct rs_error *err);

/* batch.c */
/* The plan for a whole @batch of @m's items, made if it is not there, for one request; NULL: items go one by one. */
struct rs_batch *rs_batch_take(struct rs_model *m, uint32_t batch);
struct rs_model *rs_batch_model(const struct rs_batch *whole);
uint32_t rs_batch_size(const struct rs_batch *whole);    /* NULL: 1                              */
void rs_batch_give(struct rs_batch *whole);            /* the request is no more; NULL is fine   */
void rs_batches_free(struct rs_model *m);

/* worker.c */
RS_MUST_CHECK rs_status rs_workers_start(struct rs_device *d, struct rs_error *err);
void rs_workers_stop(struct rs_device *d);
#endif
