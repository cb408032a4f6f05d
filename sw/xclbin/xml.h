/* xml.h - a scanner of XML start tags and their attributes, over text that nobody vouches for. */
#ifndef RS_XML_H
#define RS_XML_H
#include <stdbool.h>
#include <stddef.h>

struct rs_xml { const char *at, *end; };
struct rs_xml_tag {
    const char *name, *attributes;              /* inside the text                           */
    size_t name_bytes, attributes_bytes;
    bool closing;                               /* </name>                                   */
};

/* The next tag; comments, declarations and text are passed over.  false: none is left. */
bool rs_xml_next(struct rs_xml *x, struct rs_xml_tag *tag);
bool rs_xml_is(const struct rs_xml_tag *tag, const char *name);
/* An attribute's text, cut to @size; "" and false: it has none.  The five entities are replaced. */
bool rs_xml_get(const struct rs_xml_tag *tag, const char *attribute, char *text, size_t size);
#endif
