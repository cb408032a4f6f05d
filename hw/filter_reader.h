/* filter_reader.h - filter buffer to filter lanes and column parameters: ports and registers. */
#ifndef RS_FILTER_READER_H
#define RS_FILTER_READER_H
#include "foot.h"
#include "group_queue.h"
#include "lane.h"
#include "wbuf.h"

#define PARAM_WORDS (16 / RS_BLOCK)        /* filter-buffer words that hold one filter pair      */

struct filter_reader_in {
    bool     rst;
    struct group_view group;
    uint16_t loaded;                       /* running address after the last word loaded         */
    struct wbuf_word data;
    bool     popped;                       /* the last row took a filter word                    */
    uint16_t flushed;                      /* groups the output stage has read out               */
};
struct filter_reader_out {
    bool     group_take;
    uint32_t read_addr : 16;
    bool     push;                         /* word for the filter lanes                          */
    struct wbuf_word word;
    struct param_op param;
    bool     param_end;
    bool     reading;                      /* a word was asked for at the last edge              */
    uint16_t released;                     /* running address below which words are given up     */
    bool     idle;
};
struct filter_reader {
    bool     group_take;
    bool     active, params;               /* working on a group; on its parameters              */
    bool     bank;
    bool     release;
    uint16_t addr, read_addr, released;
    uint32_t left : 24;                    /* filter words of the group still to read            */
    bool     left_last, left_none;         /* one is left, none                                  */
    uint32_t first : 16;                   /* of these, words of the first pass                  */
    bool     first_last;                   /* one is left                                        */
    uint32_t mx : 5, n_params : 6;
    struct column_shape shape;
    uint32_t group : 5, index : 6, part : 2;
    uint16_t started;
    uint32_t space : 6;                    /* words the lanes can still take                     */

    bool     reading, reading_param;       /* stage 1: address is at the buffer                  */
    bool     got, got_param;               /* stage 2: data are at our input                     */
    struct param_op op1, op2, op;
    uint32_t part1 : 2, part2 : 2;
    bool     end1, end2, param_end;
    uint8_t  half[32];                     /* parameter bytes gathered so far                    */
    bool     push;
    struct wbuf_word word;
};

void filter_reader_clock(struct filter_reader *r, const struct filter_reader_in *in,
                         struct filter_reader_out *out);

#endif
