/* load_engine.h - memory to global buffer and filter buffer: ports and registers. */
#ifndef RS_LOAD_ENGINE_H
#define RS_LOAD_ENGINE_H
#include "axi_read.h"
#include "glb.h"
#include "ifmap_reader.h"
#include "wbuf.h"

#define LOAD_QUEUE 4
#define MOVE_WORDS 9                       /* words of a LOAD or STORE command that matter       */

struct load_engine_in {
    bool     rst;
    bool     push;                         /* a command, only while ready                        */
    uint32_t command[MOVE_WORDS];
    uint64_t base[4];                      /* RS_ADDRESS_BITS of each                            */
    struct engine_counts counts;
    bool     taken;                        /* the burst we ask for                               */
    bool     beat_valid;
    struct axi_beat beat;
    bool     write_ready, write_done;
    uint16_t released;                     /* filter buffer: addresses below are free            */
};
struct load_engine_out {
    bool     ready;
    bool     idle;
    struct axi_burst burst;
    bool     beat_ready;
    struct glb_write_req write;
    bool     wbuf_write;
    uint32_t wbuf_line : 15;
    struct wbuf_word wbuf_data[2];
    uint16_t loaded;                       /* filter buffer: addresses below are there           */
    uint16_t done;
};

/* The bursts of a command, in memory.  Each clock settles a piece: where a run starts, how long its next burst is. */
struct burst_walk {
    bool     active;
    bool     starts;                       /* a run, at `run`                                    */
    bool     started;                      /* at the last edge: `run` is still that one          */
    bool     sized;                        /* `size` and `ends` are the next burst's             */
    uint32_t runs : 16;                    /* left, this one included                            */
    uint32_t blocks : 21;                  /* of a run                                           */
    uint32_t stride;
    uint64_t run : RS_ADDRESS_BITS;        /* first byte of the next run                         */
    uint64_t addr : RS_ADDRESS_BITS;       /* next beat                                          */
    uint32_t beats : 20;                   /* left in the run                                    */
    uint32_t size : 7;                     /* beats of the next burst                            */
    bool     ends;                         /* the run with it                                    */
};

/* The beats of a command, in the buffer. */
struct beat_walk {
    bool     active;
    bool     to_wbuf;
    uint32_t runs : 16;                    /* left, this one included                            */
    uint32_t blocks : 21;                  /* of a run                                           */
    uint32_t stride : 2, run : 2;          /* place of a run's first block in its beat: step; the next run's */
    uint32_t buf_stride : 16, buf_run : 16;        /* likewise its address in the buffer         */
    uint32_t beats : 20;                   /* left in the run                                    */
    bool     last;                         /* one is left                                        */
    uint32_t buf : 16;                     /* address in the buffer of the beat's first block    */
    uint32_t offset : 2;                   /* blocks of the beat that are not ours: before       */
    uint32_t tail : 3;                     /* blocks of the run's last beat up to its end        */
};

struct load_engine {
    uint32_t queue[LOAD_QUEUE][MOVE_WORDS];
    uint32_t tail : 3, ask_next : 3, take_next : 3;
    uint32_t ask_words[MOVE_WORDS], take_words[MOVE_WORDS];        /* out of the queue           */
    bool     due;                          /* what the next command waits for has come           */
    uint64_t ask_at : RS_ADDRESS_BITS;     /* its first byte                                     */
    uint32_t take_offset : 2;              /* place in its beat of the one that is taken next    */
    struct burst_walk ask;
    struct beat_walk take;
    struct axi_burst burst;
    uint16_t asked;                        /* filter buffer: addresses asked for                 */
    uint16_t room;                         /* words it has for more, an edge ago                 */
    bool     to_wbuf;                      /* what is asked for                                  */
    bool     beat_ready;
    struct glb_write_req write;
    uint32_t writing : 4;
    bool     wbuf_write;                   /* of the blocks in `write`                           */
    uint32_t wbuf_line : 15;
    uint16_t loaded, done;
    bool     finishing;                    /* all beats in; writes still under way               */
};

/* Blocks of a run and what of its first beat is before it, rounded up to beats. */
static inline uint32_t run_blocks(uint32_t blocks, uint32_t offset)
{
    return blocks + offset + RS_BEAT_BLOCKS - 1u;
}

/* Of the block at byte @at. */
static inline uint32_t place_in_beat(uint64_t at)
{
    return (uint32_t)(at / RS_BLOCK) & (RS_BEAT_BLOCKS - 1u);
}

static inline uint32_t move_blocks(const uint32_t *w)
{
    return RS_GET_U(w, TO_WBUF) != 0 ? 2 * RS_GET_U(w, LENGTH) : RS_GET_U(w, LENGTH);
}

static inline void burst_walk_run(struct burst_walk *m, uint64_t at)
{
    m->addr = at & ~(uint64_t)(RS_AXI_BYTES - 1);
    m->beats = run_blocks(m->blocks, place_in_beat(at)) / RS_BEAT_BLOCKS;
    m->run = at;
    m->starts = false;
    m->started = true;
    m->sized = false;
}

/* From byte @at, @runs of @blocks, the rest as in the command. */
static inline void burst_walk_start(struct burst_walk *m, const uint32_t *w, uint64_t at, uint32_t runs, uint32_t blocks)
{
    m->active = true;
    m->runs = runs;
    m->blocks = blocks;
    m->stride = RS_GET_U(w, STRIDE);
    burst_walk_run(m, at);
}

/* A clock in which no burst is issued.  A burst ends with the run, the 4 KiB page, or after 64 beats. */
static inline void burst_walk_settle(struct burst_walk *m)
{
    const uint32_t page = 4096u / RS_AXI_BYTES - ((uint32_t)((uint64_t)m->addr / RS_AXI_BYTES) & (4096u / RS_AXI_BYTES - 1u));
    const uint32_t most = page < 64 ? page : 64;

    if (m->starts) {
        burst_walk_run(m, m->run);
    } else if (!m->sized) {
        if (m->started)
            m->run = (uint64_t)m->run + m->stride;
        m->started = false;
        m->ends = m->beats <= most;
        m->size = m->beats <= most ? m->beats : most;
        m->sized = true;
    }
}

/* The burst has been issued. */
static inline void burst_walk_advance(struct burst_walk *m)
{
    m->addr = (uint64_t)m->addr + m->size * RS_AXI_BYTES;
    m->beats = m->beats - m->size;
    m->sized = false;
    m->starts = m->ends;
    if (m->ends) {
        m->active = m->runs != 1;
        m->runs = m->runs - 1;
    }
}

static inline void beat_walk_run(struct beat_walk *m, uint32_t offset, uint32_t buf)
{
    const uint32_t blocks = run_blocks(m->blocks, offset);

    m->offset = offset;
    m->beats = blocks / RS_BEAT_BLOCKS;
    m->last = m->blocks / (2 * RS_BEAT_BLOCKS) == 0 && m->blocks % (2 * RS_BEAT_BLOCKS) + offset <= RS_BEAT_BLOCKS;
    m->tail = blocks % RS_BEAT_BLOCKS + 1u;
    m->buf = buf - offset;
    m->buf_run = buf + m->buf_stride;
    m->run = offset + m->stride;
}

/* @offset: place of the first block in its beat. */
static inline void beat_walk_start(struct beat_walk *m, const uint32_t *w, uint32_t offset)
{
    m->active = true;
    m->to_wbuf = RS_GET_U(w, TO_WBUF) != 0;
    m->runs = RS_GET_U(w, RUNS);
    m->blocks = move_blocks(w);
    m->stride = RS_GET_U(w, STRIDE) / RS_BLOCK % RS_BEAT_BLOCKS;
    m->buf_stride = RS_GET_U(w, BUF_STRIDE);
    beat_walk_run(m, offset, RS_GET_U(w, BUF_ADDR));
}

/* The block after the beat's last that is ours. */
static inline uint32_t beat_walk_end(const struct beat_walk *m)
{
    return m->last ? m->tail : RS_BEAT_BLOCKS;
}

static inline void beat_walk_advance(struct beat_walk *m)
{
    if (m->last) {
        m->active = m->runs != 1;
        m->runs = m->runs - 1;
        beat_walk_run(m, m->run, m->buf_run);
    } else {
        m->offset = 0;
        m->buf = m->buf + (m->to_wbuf ? 2u : RS_BEAT_BLOCKS);
        m->last = m->beats == 2;
        m->beats = m->beats - 1;
    }
}

void load_engine_clock(struct load_engine *r, const struct load_engine_in *in,
                       struct load_engine_out *out);

#endif
