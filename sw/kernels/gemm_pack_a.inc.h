/*
 * gemm_pack_a.inc.h - packing of A, the part that all instruction sets share.
 *
 * The includer defines, before including this (with its own target attributes):
 *   PACK_TARGET                     function attributes
 *   PACK_ELEMENT_BYTES              1 or 2
 *   struct packer                   what a row of A needs to be written
 *   pack_copy(p, k, src, count)     depth k .. k + count - 1 of the row from codes
 *   pack_fill(p, k, count)          the same, real zero
 * and sees: static void pack_row(...), one pixel.
 */

/* One pixel: R x S x C codes around ifmap position (y, x); what lies outside the ifmap is real zero. */
PACK_TARGET static inline void pack_row(struct packer *p, const struct rs_conv_shape *sh, const int8_t *image,
                                        int64_t y, int64_t x)
{
    const int64_t run = (int64_t)sh->s * sh->c;
    int64_t k = 0;

    for (int64_t r = 0; r < sh->r; r++, y += sh->dilation_h, k += run) {
        const int8_t *row = image + y * sh->w * sh->c;

        if (y < 0 || y >= sh->h) {
            pack_fill(p, k, run);
        } else if (sh->dilation_w == 1) {
            /* taps [from, to) lie inside */
            const int64_t from = x < 0 ? (x < -sh->s ? sh->s : -x) : 0;
            const int64_t to = x + sh->s > sh->w ? (sh->w - x < from ? from : sh->w - x) : sh->s;

            if (from > 0)
                pack_fill(p, k, from * sh->c);
            if (to > from)
                pack_copy(p, k + from * sh->c, row + (x + from) * sh->c, (to - from) * sh->c);
            if (to < sh->s)
                pack_fill(p, k + to * sh->c, (sh->s - to) * sh->c);
        } else {
            for (int64_t s = 0; s < sh->s; s++) {
                const int64_t xs = x + s * sh->dilation_w;

                if (xs < 0 || xs >= sh->w)
                    pack_fill(p, k + s * sh->c, sh->c);
                else
                    pack_copy(p, k + s * sh->c, row + xs * sh->c, sh->c);
            }
        }
    }
}

/* Where row i of a tile of mr rows finds element k. */
static inline size_t pack_offset(int mr, int64_t k)
{
    const size_t byte = (size_t)k * PACK_ELEMENT_BYTES;

    return byte / GEMM_CHUNK * (size_t)mr * GEMM_CHUNK + byte % GEMM_CHUNK;
}

PACK_TARGET static inline void pack_pixels(const struct packed_layer *l, const int8_t *ifmap, int64_t first, int mr,
                                           struct packer *p, char *a)
{
    const struct rs_conv_shape *sh = &l->sh;
    int64_t f = first % sh->f, e = first / sh->f % sh->e, n = first / sh->f / sh->e;

    for (int i = 0; i < mr; i++) {
        p->row = (void *)(a + (size_t)i * GEMM_CHUNK);
        pack_row(p, sh, ifmap + n * sh->h * sh->w * sh->c, e * sh->stride_h - sh->pad_top,
                 f * sh->stride_w - sh->pad_left);
        if (++f == sh->f) {
            f = 0;
            if (++e == sh->e) {
                e = 0;
                n++;
            }
        }
    }
}
