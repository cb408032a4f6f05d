/*
 * glb.c - the global buffer: four readers and three writers over two-port banks, four a segment.
 *
 * Every port has a queue of requests and is served in order.  At each edge the oldest requests
 * are looked at in the order of the enums, the array's own ports first; one is served if all
 * the banks it needs are free.  Data come back four edges after the request, if nothing
 * is in the way, and without a gap for one request a clock.
 *
 * Consecutive blocks are in consecutive lanes.  So a write is turned to its lanes before it is queued, and each
 * bank chooses among ports only; a read chooses a segment for each lane and is turned back.
 * `write_done` comes two edges before the write is in the memory, and a read that somebody starts then more than that later.
 */
#include "glb.h"

/* Blocks that one access of a port moves, a power of two. */
static const uint32_t read_blocks[GLB_READERS] = {2, 2, 4, 4};
static const uint32_t write_blocks[GLB_WRITERS] = {2, 1, 4};
static const bool whole_blocks[GLB_WRITERS] = {false, true, true};     /* no bytes are left out of a block */

/* The ports of a path, the second the same as the first where there is one.  The second is served when the first is not. */
static const uint32_t read_path[GLB_READ_PATHS][2] = {
    {GLB_READ_IFMAP, GLB_READ_IFMAP}, {GLB_READ_RESIDUAL, GLB_READ_RESIDUAL}, {GLB_READ_POOL, GLB_READ_STORE},
};
static const uint32_t write_path[GLB_WRITE_PATHS][2] = {
    {GLB_WRITE_OFMAP, GLB_WRITE_POOL}, {GLB_WRITE_LOAD, GLB_WRITE_LOAD},
};

static inline uint32_t segment_of(uint32_t quad)
{
    return (quad / RS_GLB_BANK_DEPTH) & (RS_GLB_SEGMENTS - 1u);
}

/* Row and segment of the block that comes @i (0 to 3) after @addr. */
static inline uint16_t quad_of(uint32_t addr, uint32_t i)
{
    const uint32_t quad = addr >> 2, next = quad + 1u;

    return ((addr & 3u) + i < 4 ? quad : next) & (RS_GLB_SEGMENTS * RS_GLB_BANK_DEPTH - 1u);
}

static inline uint32_t row_of(uint32_t quad)
{
    return quad & (RS_GLB_BANK_DEPTH - 1u);
}

static inline struct glb_place place_of(uint32_t addr, uint32_t blocks)
{
    struct glb_place p;

    p.first = addr & 3u;
    p.lanes = 0;
    for (uint32_t l = 0; l < GLB_LANES; l++) {
        p.lanes |= ((l - addr) & 3u) < blocks ? 1u << l : 0;
        p.quad[l] = quad_of(addr, (l - addr) & 3u);
    }
    return p;
}

static inline struct glb_place place_of_entry(const struct glb_write_entry *e, uint32_t blocks)
{
    struct glb_place p;

    p.first = 0;
    p.lanes = e->lanes;
    for (uint32_t l = 0; l < GLB_LANES; l++)
        p.quad[l] = e->lane[l & (blocks - 1u)].quad;
    return p;
}

static inline bool meet(const struct glb_place *a, const struct glb_place *b)
{
    bool both = false;

    for (uint32_t l = 0; l < GLB_LANES; l++)
        both = both || ((((a->lanes & b->lanes) >> l) & 1u) != 0 && segment_of(a->quad[l]) == segment_of(b->quad[l]));
    return both;
}

static inline bool in_bank(const struct glb_place *p, uint32_t segment, uint32_t lane)
{
    return ((p->lanes >> lane) & 1u) != 0 && segment_of(p->quad[lane]) == segment;
}

static inline uint32_t ones(uint32_t lanes)
{
    return (lanes & 1u) + ((lanes >> 1) & 1u) + ((lanes >> 2) & 1u) + ((lanes >> 3) & 1u);
}

/* Blocks @from turned @by places to the left: two turns, by 2 and by 1, are less than one by any. */
static inline void turn(const struct block *from, uint32_t by, struct block *to)
{
    struct block by_two[4];

    for (uint32_t i = 0; i < 4; i++)
        by_two[i] = (by & 2u) != 0 ? from[(i + 2) & 3u] : from[i];
    for (uint32_t i = 0; i < 4; i++)
        to[i] = (by & 1u) != 0 ? by_two[(i + 1) & 3u] : by_two[i];
}

/* Turned to the lanes; a block without a byte to write needs no bank. */
static inline struct glb_write_entry entry_of(const struct glb_write_req *req, uint32_t blocks)
{
    struct glb_write_entry e;
    struct block from[GLB_LANES], to[GLB_LANES];

    e.lanes = 0;
    for (uint32_t l = 0; l < GLB_LANES; l++)
        from[l] = req->block[l & (blocks - 1u)];
    turn(from, 0u - req->addr, to);
    for (uint32_t l = 0; l < GLB_LANES; l++) {
        const uint32_t at = (l - req->addr) & (blocks - 1u);

        e.lane[l].quad = quad_of(req->addr, at);
        e.lane[l].mask = (uint16_t)req->mask[at];
        e.lane[l].block = to[l];
        e.lanes |= (uint8_t)(((l - req->addr) & 3u) < blocks && req->mask[at] != 0 ? 1u << l : 0u);
    }
    return e;
}

void glb_clock(struct glb *r, const struct glb_in *in, struct glb_out *out)
{
#pragma HLS PIPELINE II=1
#pragma HLS BIND_STORAGE variable=r->entry type=ram_2p impl=lutram
    struct glb_bank_in bi[RS_GLB_BANKS];
    struct block lane[GLB_LANES], by_two[GLB_LANES];
    struct glb_write_entry entry[GLB_WRITERS];             /* the oldest of each writer      */
    struct glb_place place[GLB_WRITERS];
    bool reads[GLB_READERS], writes[GLB_WRITERS];          /* served at this edge            */
    uint32_t n_read = 0, n_written = 0;

    for (int p = 0; p < GLB_READERS; p++) {
        reads[p] = r->reader[p].valid;
        for (int q = 0; q < p; q++)
            if (reads[q] && meet(&r->reader[p].place, &r->reader[q].place))
                reads[p] = false;
        for (int path = 0; path < GLB_READ_PATHS; path++)
            if ((uint32_t)p == read_path[path][1] && read_path[path][0] != read_path[path][1] && reads[read_path[path][0]])
                reads[p] = false;
        n_read += reads[p] ? read_blocks[p] : 0;
    }
    for (int p = 0; p < GLB_WRITERS; p++) {
        entry[p] = r->entry[p][r->writer[p].head];
        place[p] = place_of_entry(&entry[p], write_blocks[p]);
        writes[p] = r->writer[p].count != 0;
        for (int q = 0; q < p; q++)
            if (writes[q] && meet(&place[p], &place[q]))
                writes[p] = false;
        for (int path = 0; path < GLB_WRITE_PATHS; path++)
            if ((uint32_t)p == write_path[path][1] && write_path[path][0] != write_path[path][1] && writes[write_path[path][0]])
                writes[p] = false;
        n_written += writes[p] ? ones(place[p].lanes) : 0;
    }

    for (uint32_t b = 0; b < RS_GLB_BANKS; b++) {
        const uint32_t segment = b / GLB_LANES, l = b % GLB_LANES;

        bi[b].read_row = row_of(r->reader[0].place.quad[l]);
        for (int p = 1; p < GLB_READERS; p++)
            if (reads[p] && in_bank(&r->reader[p].place, segment, l))
                bi[b].read_row = row_of(r->reader[p].place.quad[l]);
        bi[b].write = false;
        bi[b].write_row = row_of(r->served[0].lane[l].quad);
        bi[b].write_mask = r->served[0].lane[l].mask;
        bi[b].data_in = r->served[0].lane[l].block;
        for (int path = 0; path < GLB_WRITE_PATHS; path++) {
            const struct glb_write_lane at = r->served[path].lane[l];

            if (((r->served[path].lanes >> l) & 1u) != 0 && segment_of(at.quad) == segment) {
                bi[b].write = true;
                bi[b].write_row = row_of(at.quad);
                bi[b].write_mask = at.mask;
                bi[b].data_in = at.block;
            }
        }
    }
    for (int path = 0; path < GLB_WRITE_PATHS; path++) {
        const uint32_t first = write_path[path][0], second = write_path[path][1];
        const bool other = first != second && writes[second];

        r->served[path].lanes = other ? entry[second].lanes : writes[first] ? entry[first].lanes : 0;
        for (uint32_t l = 0; l < GLB_LANES; l++) {
            struct glb_write_lane a = entry[first].lane[l & (write_blocks[first] - 1u)];
            struct glb_write_lane b = entry[second].lane[l & (write_blocks[second] - 1u)];

            a.mask = whole_blocks[first] ? (1u << RS_BLOCK) - 1u : a.mask;
            b.mask = whole_blocks[second] ? (1u << RS_BLOCK) - 1u : b.mask;
            r->served[path].lane[l] = other ? b : a;
        }
        if (in->rst)
            r->served[path].lanes = 0;
    }
    for (int path = 0; path < GLB_READ_PATHS; path++) {
        const uint32_t first = read_path[path][0], second = read_path[path][1];
        const bool other = first != second && reads[second];

        r->come[path] = r->read[path];
        r->read[path] = r->asked[path];
        r->asked[path].valid = reads[first] || reads[second];
        r->asked[path].second = other;
        r->asked[path].first = other ? r->reader[second].place.first : r->reader[first].place.first;
        for (int l = 0; l < GLB_LANES; l++)
            r->asked[path].segment[l] = segment_of(other ? r->reader[second].place.quad[l] : r->reader[first].place.quad[l]);
        if (in->rst) {
            r->asked[path].valid = false;
            r->read[path].valid = false;
            r->come[path].valid = false;
        }
    }

    for (int p = 0; p < GLB_READERS; p++) {
        const bool push = in->read[p].valid && r->reader[p].count != GLB_DEPTH;
        const bool next = reads[p] || !r->reader[p].valid;
        const bool queued = r->reader[p].count != 0;
        const bool pop = next && queued;
        const bool keep = push && !(next && !queued);
        const uint32_t addr = queued ? r->reader[p].addr[r->reader[p].head] : in->read[p].addr;

        if (next) {
            r->reader[p].valid = queued || push;
            r->reader[p].place = place_of(addr, read_blocks[p]);
        }
        if (keep)
            r->reader[p].addr[r->reader[p].tail] = in->read[p].addr;
        r->reader[p].head += pop;
        r->reader[p].tail += keep;
        r->reader[p].count = r->reader[p].count + keep - pop;
        if (in->rst) {
            r->reader[p].valid = false;
            r->reader[p].head = 0;
            r->reader[p].tail = 0;
            r->reader[p].count = 0;
        }
        out->read_ready[p] = r->reader[p].count != GLB_DEPTH;
    }
    for (int p = 0; p < GLB_WRITERS; p++) {
        const bool push = in->write[p].valid && r->writer[p].count != GLB_DEPTH;

        if (push)
            r->entry[p][r->writer[p].tail] = entry_of(&in->write[p], write_blocks[p]);
        r->writer[p].head += writes[p];
        r->writer[p].tail += push;
        r->writer[p].count = r->writer[p].count + push - writes[p];
        r->writer[p].done = writes[p];
        if (in->rst) {
            r->writer[p].head = 0;
            r->writer[p].tail = 0;
            r->writer[p].count = 0;
            r->writer[p].done = false;
        }
        out->write_ready[p] = r->writer[p].count != GLB_DEPTH;
        out->write_done[p] = r->writer[p].done;
    }
    for (int b = 0; b < RS_GLB_BANKS; b++)
        glb_bank_clock(&r->bank[b], &bi[b], &r->bank_out[b]);

    /* Data of the reads whose banks have them. */
    for (int path = 0; path < GLB_READ_PATHS; path++) {
        for (uint32_t l = 0; l < GLB_LANES; l++) {
            lane[l] = r->bank_out[l].data;
            for (uint32_t s = 1; s < RS_GLB_SEGMENTS; s++)
                if (s == r->come[path].segment[l])
                    lane[l] = r->bank_out[s * GLB_LANES + l].data;
        }
        for (uint32_t i = 0; i < 4; i++)
            by_two[i] = (r->come[path].first & 2u) != 0 ? lane[(i + 2) & 3u] : lane[i];
        for (int k = 0; k < 2; k++) {
            const uint32_t p = read_path[path][k];

            out->read_data[p].valid = r->come[path].valid && (read_path[path][0] == read_path[path][1] || r->come[path].second == (k == 1));
            for (uint32_t i = 0; i < 4; i++) {
                const struct block turned = (r->come[path].first & 1u) != 0 ? by_two[(i + 1) & 3u] : by_two[i];

                for (int b = 0; b < RS_BLOCK; b++)
                    out->read_data[p].block[i].byte[b] = i < read_blocks[p] ? turned.byte[b] : 0;
            }
        }
    }
    r->blocks_read = n_read;
    r->blocks_written = n_written;
    out->blocks_read = r->blocks_read;
    out->blocks_written = r->blocks_written;
}
