/* request.h - requests as the worker threads see them.  All functions here want device->lock held. */
#ifndef RS_REQUEST_H
#define RS_REQUEST_H
#include "runtime.h"

/* The request fails: items that have not begun never do, others end at their next stage. */
void rs_request_stop(struct rs_request *r, rs_status status, const char *text);
/* One item has ended; with the last, the request has. */
void rs_request_item_ended(struct rs_request *r);
/* Stops every request of the device: it is being closed. */
void rs_requests_stop_all(struct rs_device *d);

/* sum += now - before, counter by counter. */
void rs_counters_add(struct rs_counters *sum, const struct rs_counters *now, const struct rs_counters *before);
#endif
