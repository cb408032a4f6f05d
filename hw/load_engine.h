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
    uint64_t base[4];
    struct engine_counts counts;
    bool     taken;                        /* the burst we ask for                               */
    bool     beat_valid;
    struct axi_beat beat;
    bool     beat_error;
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
    bool     error;
    uint64_t error_addr;
};

/* The place of one side of the engine in the command it works on. */
struct move_walk {
    bool     active;
    bool     to_wbuf;
    uint32_t runs : 16;                    /* left, this one included                            */
    uint32_t length : 20;                  /* blocks (words) of a run                            */
    uint64_t run_addr;                     /* first byte of the run                              */
    uint32_t stride;
    uint64_t addr;                         /* next beat                                          */
    uint32_t beats : 20;                   /* left in the run                                    */
    uint32_t buf : 16, buf_run : 16, buf_stride : 16;
    uint32_t offset : 2;                   /* blocks of the first beat that are not ours         */
    uint32_t left : 20;                    /* blocks of the run from this beat on, + offset      */
};

struct load_engine {
    uint32_t queue[LOAD_QUEUE][MOVE_WORDS];
    uint32_t tail : 3, ask_next : 3, take_next : 3;
    struct move_walk ask, take;
    struct axi_burst burst;
    uint16_t asked;                        /* filter buffer: addresses asked for                 */
    struct axi_beat beat[2];
    bool     beat_error[2];
    uint32_t beat_count : 2;
    bool     beat_ready;
    struct glb_write_req write;
    uint32_t writing : 4;
    bool     wbuf_write;
    uint32_t wbuf_line : 15;
    struct wbuf_word wbuf_data[2];
    uint16_t loaded, done;
    bool     finishing;                    /* all beats in; writes still under way               */
    bool     error;
    uint64_t error_addr;
};

/* Start of a run: beats it touches, where its first block lies. */
static inline void move_start_run(struct move_walk *m)
{
    const uint32_t blocks = m->to_wbuf ? 2 * m->length : m->length;
    const uint32_t offset = (uint32_t)(m->run_addr / RS_BLOCK) & (RS_BEAT_BLOCKS - 1u);

    m->offset = offset;
    m->left = blocks + offset;
    m->beats = (blocks + offset + RS_BEAT_BLOCKS - 1u) / RS_BEAT_BLOCKS;
    m->addr = m->run_addr & ~(uint64_t)(RS_AXI_BYTES - 1);
    m->buf = m->buf_run - offset;
}

static inline void move_start(struct move_walk *m, const uint32_t *w, uint64_t base)
{
    m->active = true;
    m->to_wbuf = RS_GET_U(w, TO_WBUF) != 0;
    m->runs = RS_GET_U(w, RUNS);
    m->length = RS_GET_U(w, LENGTH);
    m->run_addr = base + RS_GET_U(w, OFFSET);
    m->stride = RS_GET_U(w, STRIDE);
    m->buf_run = RS_GET_U(w, BUF_ADDR);
    m->buf_stride = RS_GET_U(w, BUF_STRIDE);
    move_start_run(m);
}

/* After n beats of the run: on to the next beat, run, or the end. */
static inline void move_advance(struct move_walk *m, uint32_t n)
{
    m->addr = m->addr + (uint64_t)n * RS_AXI_BYTES;
    m->buf = m->buf + (m->to_wbuf ? 2 * n : RS_BEAT_BLOCKS * n);
    m->left = m->left > n * RS_BEAT_BLOCKS ? m->left - n * RS_BEAT_BLOCKS : 0;
    m->beats = m->beats - n;
    if (m->beats == 0) {
        if (m->runs == 1) {
            m->active = false;
        } else {
            m->runs = m->runs - 1;
            m->run_addr = m->run_addr + m->stride;
            m->buf_run = m->buf_run + m->buf_stride;
            move_start_run(m);
        }
    }
}

/* Beats of the next burst: to the end of the run or of the 4 KiB page, at most 64. */
static inline uint32_t move_burst(const struct move_walk *m)
{
    const uint32_t page = 4096u / RS_AXI_BYTES -
                          ((uint32_t)(m->addr / RS_AXI_BYTES) & (4096u / RS_AXI_BYTES - 1u));
    const uint32_t most = page < 64 ? page : 64;

    return m->beats < most ? m->beats : most;
}

void load_engine_clock(struct load_engine *r, const struct load_engine_in *in,
                       struct load_engine_out *out);

#endif
