/*
 * memory.c - see memory.h.  Every clock has two halves: transfers that happened at this edge are
 * taken in, then the output registers get what the next edge will see.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "memory.h"

enum { PAGE_BYTES = 4096, PAGE_BEATS_MAX = 256 };

/* A burst from its address to its last beat (read) or its B (write). */
struct burst {
    uint64_t offset;                /* of the first beat, from the base, aligned to a beat  */
    uint32_t beats, moved;          /* moved: offered so far (read), taken so far (write)   */
    uint32_t skip;                  /* bytes of the first beat below an unaligned start     */
    uint64_t due;                   /* edge at which the first beat, or B, can transfer     */
    uint8_t  resp;                  /* what every beat answers, unless it is a fault beat   */
    bool     held;                  /* read: data was taken when the address came           */
    uint8_t *data;                  /* PAGE_BYTES; held read data, or the data to write     */
    uint64_t *strobe;               /* PAGE_BEATS_MAX; writes only                          */
};

struct queue {                      /* ring of max_outstanding bursts                       */
    struct burst *ring;
    uint32_t first, count;
    uint32_t filled;                /* writes: how many from `first` have all their data    */
};

struct port {
    struct queue reads, writes;
    struct axi_to_core out;
    bool     granted;               /* the bandwidth of the next W beat is reserved         */
    bool     contended;             /* in this clock                                        */
    uint64_t contention;

    bool     waiting_ar, waiting_aw, waiting_w;      /* VALID was high, and not taken       */
    struct axi_from_core last;                       /* what was offered then               */
    uint8_t  last_data[MEMORY_MAX_BEAT_BYTES];
};

/* Those that share a bandwidth; a stream is one direction of a port: 2 * port + is_write. */
struct pool {
    uint32_t n_streams, stream[2 * MEMORY_MAX_PORTS];
    uint32_t turn;                  /* index of the stream that comes first                 */
    uint32_t credit;                /* bytes that may move now                              */
};

struct memory {
    struct memory_options o;
    uint64_t now;                   /* edges so far                                         */
    uint64_t rng;
    struct port port[MEMORY_MAX_PORTS];
    struct pool pool[2];
    uint32_t n_pools;
    uint64_t violations;
    char     text[256];             /* the first                                            */
    void    *burst_memory;
};

/* ---- small things ------------------------------------------------------------------------ */

static uint64_t draw(struct memory *m)                                       /* splitmix64  */
{
    uint64_t z = (m->rng += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static bool hostile(const struct memory *m)
{
    return m->o.timing.hostile_seed != 0;
}

/* In hostile mode, true for @percent of the calls. */
static bool stall(struct memory *m, uint32_t percent)
{
    return hostile(m) && draw(m) % 100 < percent;
}

static uint32_t latency(struct memory *m)
{
    const uint32_t cycles = m->o.timing.latency_cycles;

    if (!hostile(m))
        return cycles;
    return (uint32_t)(1 + draw(m) % (draw(m) % 16 == 0 ? 8 * (uint64_t)cycles
                                                       : 2 * (uint64_t)cycles));
}

__attribute__((format(printf, 3, 4)))
static void violation(struct memory *m, uint32_t port, const char *format, ...)
{
    va_list list;
    int n;

    if (m->violations++ != 0)
        return;
    n = snprintf(m->text, sizeof m->text, "core %u, clock %" PRIu64 ": ", port, m->now);
    va_start(list, format);
    vsnprintf(m->text + n, sizeof m->text - (size_t)n, format, list);
    va_end(list);
}

static struct burst *queue_at(const struct memory *m, const struct queue *q, uint32_t i)
{
    const uint32_t at = q->first + i;
    const uint32_t depth = m->o.timing.max_outstanding;

    return &q->ring[at < depth ? at : at - depth];
}

static void queue_pop(const struct memory *m, struct queue *q)
{
    q->first = q->first + 1 == m->o.timing.max_outstanding ? 0 : q->first + 1;
    q->count--;
}

/* ---- requests ---------------------------------------------------------------------------- */

/* Rules of AR and AW; fills offset, beats, moved, skip and resp of @b. */
static void accept(struct memory *m, uint32_t port, const char *channel, uint64_t address,
                   uint8_t len, uint8_t size, uint8_t type, struct burst *b)
{
    const uint32_t beat = m->o.beat_bytes;
    const uint64_t aligned = address - address % beat;
    const uint32_t bytes = ((uint32_t)len + 1) * beat;

    b->offset = aligned - m->o.base;
    b->beats = (uint32_t)len + 1;
    b->moved = 0;
    b->skip = (uint32_t)(address % beat);
    b->held = false;
    b->resp = AXI_SLVERR;
    if (type != 1)
        violation(m, port, "%sBURST is %u at 0x%" PRIx64 ", only INCR (1) is allowed",
                  channel, type, address);
    else if (size > 7 || 1u << size != beat)
        violation(m, port, "%sSIZE says %u bytes at 0x%" PRIx64 ", the bus has %u",
                  channel, 1u << (size & 7), address, beat);
    else if (aligned % PAGE_BYTES + bytes > PAGE_BYTES)
        violation(m, port, "%s burst of %u bytes from 0x%" PRIx64 " crosses 4 KiB",
                  channel, bytes, address);
    else if (address < m->o.base || address - m->o.base >= m->o.bytes) {
        violation(m, port, "%s 0x%" PRIx64 " is outside the memory, 0x%" PRIx64 " .. 0x%" PRIx64,
                  channel, address, m->o.base, m->o.base + m->o.bytes - 1);
        b->resp = AXI_DECERR;
    } else {
        b->resp = AXI_OKAY;
    }
}

static bool is_fault_beat(const struct memory *m, uint64_t offset)
{
    const uint64_t at = m->o.timing.fault_address - m->o.base;

    return at >= offset && at - offset < m->o.beat_bytes;
}

static bool is_fault_burst(const struct memory *m, const struct burst *b)
{
    const uint64_t at = m->o.timing.fault_address - m->o.base;

    return at >= b->offset && at - b->offset < (uint64_t)b->beats * m->o.beat_bytes;
}

/* VALID must stay high, and its payload as it was, until READY. */
static void check_held(struct memory *m, uint32_t i, const struct axi_from_core *from)
{
    struct port *p = &m->port[i];
    const struct axi_from_core *last = &p->last;

    if (p->waiting_ar && !(from->ar_valid && from->ar_addr == last->ar_addr &&
                           from->ar_len == last->ar_len && from->ar_size == last->ar_size &&
                           from->ar_burst == last->ar_burst))
        violation(m, i, "AR at 0x%" PRIx64 " was withdrawn or changed before ARREADY",
                  last->ar_addr);
    if (p->waiting_aw && !(from->aw_valid && from->aw_addr == last->aw_addr &&
                           from->aw_len == last->aw_len && from->aw_size == last->aw_size &&
                           from->aw_burst == last->aw_burst))
        violation(m, i, "AW at 0x%" PRIx64 " was withdrawn or changed before AWREADY",
                  last->aw_addr);
    if (p->waiting_w && !(from->w_valid && from->w_last == last->w_last &&
                          from->w_strb == last->w_strb &&
                          memcmp(from->w_data, p->last_data, m->o.beat_bytes) == 0))
        violation(m, i, "W was withdrawn or changed before WREADY");
    p->waiting_ar = from->ar_valid && !p->out.ar_ready;
    p->waiting_aw = from->aw_valid && !p->out.aw_ready;
    p->waiting_w = from->w_valid && !p->out.w_ready;
    if (p->waiting_ar || p->waiting_aw || p->waiting_w)
        p->last = *from;
    if (p->waiting_w)
        memcpy(p->last_data, from->w_data, m->o.beat_bytes);
}

/* ---- first half: what transferred at this edge ------------------------------------------- */

static void take_ar(struct memory *m, uint32_t i, const struct axi_from_core *from)
{
    struct queue *q = &m->port[i].reads;
    struct burst *b = queue_at(m, q, q->count++);

    accept(m, i, "AR", from->ar_addr, from->ar_len, from->ar_size, from->ar_burst, b);
    b->due = m->now + latency(m);
    if (b->resp == AXI_OKAY && hostile(m) && draw(m) % 2 == 0) {
        b->held = true;
        for (uint32_t k = 0; k < b->beats; k++)
            m->o.read(m->o.context, b->offset + (uint64_t)k * m->o.beat_bytes,
                      b->data + (size_t)k * m->o.beat_bytes, m->o.beat_bytes);
    }
}

static void take_aw(struct memory *m, uint32_t i, const struct axi_from_core *from)
{
    struct queue *q = &m->port[i].writes;
    struct burst *b = queue_at(m, q, q->count++);

    accept(m, i, "AW", from->aw_addr, from->aw_len, from->aw_size, from->aw_burst, b);
}

static void take_w(struct memory *m, uint32_t i, const struct axi_from_core *from)
{
    struct queue *q = &m->port[i].writes;
    struct burst *b = queue_at(m, q, q->filled);
    const bool last = b->moved + 1 == b->beats;

    m->port[i].granted = false;
    if (from->w_last != last) {
        violation(m, i, "WLAST is %d in beat %u of a burst of %u", from->w_last, b->moved,
                  b->beats);
        b->resp = b->resp == AXI_OKAY ? AXI_SLVERR : b->resp;
    }
    if (b->moved == 0 && (from->w_strb & ((UINT64_C(1) << b->skip) - 1)) != 0) {
        violation(m, i, "WSTRB 0x%" PRIx64 " has bytes below the burst's address", from->w_strb);
        b->resp = b->resp == AXI_OKAY ? AXI_SLVERR : b->resp;
    }
    if (b->resp == AXI_OKAY) {                     /* else it may be longer than the page   */
        memcpy(b->data + (size_t)b->moved * m->o.beat_bytes, from->w_data, m->o.beat_bytes);
        b->strobe[b->moved] = from->w_strb;
    }
    b->moved++;
    if (last) {
        b->due = m->now + latency(m);
        q->filled++;
    }
}

static void take(struct memory *m, uint32_t i, const struct axi_from_core *from)
{
    struct port *p = &m->port[i];
    struct axi_to_core *out = &p->out;

    if (from->ar_valid || from->aw_valid || from->w_valid ||
        p->waiting_ar || p->waiting_aw || p->waiting_w)
        check_held(m, i, from);
    if (out->r_valid && from->r_ready) {
        out->r_valid = false;
        if (out->r_last)
            queue_pop(m, &p->reads);
    }
    if (out->b_valid && from->b_ready) {
        out->b_valid = false;
        queue_pop(m, &p->writes);
        p->writes.filled--;
    }
    if (out->w_ready && from->w_valid)
        take_w(m, i, from);
    if (out->ar_ready && from->ar_valid)
        take_ar(m, i, from);
    if (out->aw_ready && from->aw_valid)
        take_aw(m, i, from);
}

/* ---- second half: the output registers --------------------------------------------------- */

/* The burst that has the next beat of stream @s, or NULL if it has none to move now. */
static struct burst *next_beat(struct memory *m, uint32_t s)
{
    struct port *p = &m->port[s / 2];

    if (s % 2 == 0) {
        struct burst *b = p->reads.ring + p->reads.first;

        /* Registered: what is offered after this edge can transfer at the next. */
        return p->reads.count != 0 && !p->out.r_valid && b->due <= m->now + 1 ? b : NULL;
    }
    if (p->granted || p->writes.filled == p->writes.count)
        return NULL;
    return queue_at(m, &p->writes, p->writes.filled);
}

static void offer_r(struct memory *m, struct port *p, struct burst *b)
{
    const uint64_t step = (uint64_t)b->moved * m->o.beat_bytes;
    struct axi_to_core *out = &p->out;

    out->r_valid = true;
    out->r_resp = b->resp;
    if (b->resp != AXI_OKAY)
        memset(out->r_data, 0, m->o.beat_bytes);
    else if (b->held)
        memcpy(out->r_data, b->data + step, m->o.beat_bytes);
    else
        m->o.read(m->o.context, b->offset + step, out->r_data, m->o.beat_bytes);
    if (m->o.timing.fault_read && b->resp == AXI_OKAY && is_fault_beat(m, b->offset + step))
        out->r_resp = AXI_SLVERR;
    b->moved++;
    out->r_last = b->moved == b->beats;
}

/* Has stream @s moved some of a burst's beats, and not all? */
static bool in_burst(const struct memory *m, uint32_t s)
{
    const struct port *p = &m->port[s / 2];
    const struct queue *q = s % 2 == 0 ? &p->reads : &p->writes;
    const uint32_t done = s % 2 == 0 ? 0 : q->filled;
    const struct burst *b = queue_at(m, q, done);
    const uint32_t moved = b->moved + (s % 2 == 1 && p->granted);

    return q->count > done && moved != 0 && moved != b->beats;
}

static void serve_pool(struct memory *m, struct pool *pool)
{
    const uint32_t beat = m->o.beat_bytes, turn = pool->turn;
    uint32_t ahead = 0;             /* bit a port: served, or waiting before this one       */

    pool->credit += m->o.timing.bytes_per_cycle;
    for (uint32_t k = 0; k < pool->n_streams; k++) {
        const uint32_t at = (turn + k) % pool->n_streams, s = pool->stream[at];
        struct port *p = &m->port[s / 2];
        struct burst *b = next_beat(m, s);

        if (b == NULL || stall(m, 20))
            continue;
        if (pool->credit >= beat) {
            pool->credit -= beat;
            if (s % 2 == 0)
                offer_r(m, p, b);
            else
                p->granted = true;
            /* The turn is kept to the end of a burst, and taken from those between bursts. */
            if (at == pool->turn || !in_burst(m, pool->stream[pool->turn]))
                pool->turn = in_burst(m, s) ? at : (at + 1) % pool->n_streams;
        } else if ((ahead & ~(1u << s / 2)) != 0) {
            p->contended = true;
        }
        ahead |= 1u << s / 2;
    }
    if (pool->credit >= beat)                                 /* an unused beat is lost      */
        pool->credit = beat - 1;
}

static void commit(struct memory *m, const struct burst *b)
{
    for (uint32_t k = 0; k < b->beats; k++)
        if (b->strobe[k] != 0)
            m->o.write(m->o.context, b->offset + (uint64_t)k * m->o.beat_bytes,
                       b->data + (size_t)k * m->o.beat_bytes, b->strobe[k], m->o.beat_bytes);
}

static void offer(struct memory *m, struct port *p)
{
    struct axi_to_core *out = &p->out;

    if (!out->b_valid && p->writes.filled != 0) {
        struct burst *b = queue_at(m, &p->writes, 0);

        if (b->due <= m->now + 1 && !stall(m, 20)) {
            if (b->resp == AXI_OKAY && m->o.timing.fault_write && is_fault_burst(m, b))
                b->resp = AXI_SLVERR;
            if (b->resp == AXI_OKAY)
                commit(m, b);
            out->b_valid = true;
            out->b_resp = b->resp;
        }
    }
    out->w_ready = p->granted && !stall(m, 20);
    out->ar_ready = p->reads.count < m->o.timing.max_outstanding && !stall(m, 30);
    out->aw_ready = p->writes.count < m->o.timing.max_outstanding && !stall(m, 30);
}

void memory_clock(struct memory *m, const struct axi_from_core *from)
{
    for (uint32_t i = 0; i < m->o.n_ports; i++)
        take(m, i, &from[i]);
    for (uint32_t i = 0; i < m->n_pools; i++)
        serve_pool(m, &m->pool[i]);
    for (uint32_t i = 0; i < m->o.n_ports; i++) {
        offer(m, &m->port[i]);
        m->port[i].contention += m->port[i].contended;
        m->port[i].contended = false;
    }
    m->now++;
}

/* ---- create and destroy ------------------------------------------------------------------ */

static bool check_options(const struct memory_options *o, char *text, size_t text_bytes)
{
    const struct rs_mem_timing *t = &o->timing;

    if (o->n_ports < 1 || o->n_ports > MEMORY_MAX_PORTS)
        snprintf(text, text_bytes, "%u memory ports; 1 to %d are possible", o->n_ports,
                 MEMORY_MAX_PORTS);
    else if (o->beat_bytes < 4 || o->beat_bytes > MEMORY_MAX_BEAT_BYTES ||
             (o->beat_bytes & (o->beat_bytes - 1)) != 0)
        snprintf(text, text_bytes, "a bus of %u bytes; 4, 8, 16, 32 or 64 are possible",
                 o->beat_bytes);
    else if (o->bytes == 0 || o->bytes % PAGE_BYTES != 0 || o->base % PAGE_BYTES != 0 ||
             o->base + (o->bytes - 1) < o->base)
        snprintf(text, text_bytes, "memory of %" PRIu64 " bytes at 0x%" PRIx64 ": both must be "
                 "multiples of 4096, the size not 0, the end below 2^64", o->bytes, o->base);
    else if (t->max_outstanding > MEMORY_MAX_OUTSTANDING)
        snprintf(text, text_bytes, "%u outstanding bursts; at most %d are possible",
                 t->max_outstanding, MEMORY_MAX_OUTSTANDING);
    else if (t->latency_cycles > 1000000 || t->bytes_per_cycle > 1000000)
        snprintf(text, text_bytes, "latency of %u clocks, %u bytes a clock; at most a million "
                 "of each is possible", t->latency_cycles, t->bytes_per_cycle);
    else
        return true;
    return false;
}

static void make_pools(struct memory *m)
{
    m->n_pools = m->o.timing.shared_bandwidth ? 1 : 2;
    for (uint32_t s = 0; s < 2 * m->o.n_ports; s++) {
        struct pool *pool = &m->pool[m->n_pools == 1 ? 0 : s % 2];

        pool->stream[pool->n_streams++] = s;
    }
    for (uint32_t i = 0; i < m->n_pools; i++)
        m->pool[i].credit = m->o.beat_bytes - 1;                 /* as after being idle     */
}

struct memory *memory_create(const struct memory_options *options, char *text, size_t text_bytes)
{
    const uint32_t n_ports = options->n_ports;
    struct memory *m;
    struct burst *burst;
    size_t depth;

    if (!check_options(options, text, text_bytes))
        return NULL;
    m = calloc(1, sizeof *m);
    if (m == NULL)
        goto err_text;
    m->o = *options;
    if (m->o.timing.latency_cycles == 0)
        m->o.timing.latency_cycles = 100;
    if (m->o.timing.bytes_per_cycle == 0)
        m->o.timing.bytes_per_cycle = 64;
    if (m->o.timing.max_outstanding == 0)
        m->o.timing.max_outstanding = 16;
    m->rng = m->o.timing.hostile_seed;
    make_pools(m);

    depth = m->o.timing.max_outstanding;
    burst = calloc(2 * n_ports * depth, sizeof *burst);
    if (burst == NULL)
        goto err_free;
    m->burst_memory = burst;
    for (uint32_t i = 0; i < n_ports; i++) {
        m->port[i].reads.ring = burst + (2 * i) * depth;
        m->port[i].writes.ring = burst + (2 * i + 1) * depth;
        for (size_t k = 0; k < depth; k++) {
            struct burst *r = &m->port[i].reads.ring[k], *w = &m->port[i].writes.ring[k];

            r->data = hostile(m) ? malloc(PAGE_BYTES) : NULL;
            w->data = malloc(PAGE_BYTES);
            w->strobe = calloc(PAGE_BEATS_MAX, sizeof *w->strobe);
            if ((hostile(m) && r->data == NULL) || w->data == NULL || w->strobe == NULL)
                goto err_free;
        }
        offer(m, &m->port[i]);
    }
    return m;

err_free:
    memory_destroy(m);
err_text:
    snprintf(text, text_bytes, "out of host memory for the memory model");
    return NULL;
}

void memory_destroy(struct memory *m)
{
    if (m == NULL)
        return;
    for (uint32_t i = 0; m->burst_memory != NULL && i < 2 * m->o.n_ports; i++)
        for (uint32_t k = 0; k < m->o.timing.max_outstanding; k++) {
            struct burst *b = (struct burst *)m->burst_memory +
                              (size_t)i * m->o.timing.max_outstanding + k;

            free(b->data);
            free(b->strobe);
        }
    free(m->burst_memory);
    free(m);
}

const struct axi_to_core *memory_output(const struct memory *m, uint32_t port)
{
    return &m->port[port].out;
}

uint64_t memory_contention(const struct memory *m, uint32_t port)
{
    return m->port[port].contention;
}

const char *memory_violation(const struct memory *m)
{
    return m->violations != 0 ? m->text : NULL;
}

uint64_t memory_violations(const struct memory *m)
{
    return m->violations;
}
