/* whole_messages.h - all bytes of a message through a stream socket, or none that count. */
#ifndef RS_WHOLE_MESSAGES_H
#define RS_WHOLE_MESSAGES_H
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* False: the other end is gone (no SIGPIPE).  Signals do not cut a message short. */
static inline bool send_all(int fd, const void *from, size_t bytes)
{
    const char *at = from;

    while (bytes != 0) {
        const ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static inline bool receive_all(int fd, void *to, size_t bytes)
{
    char *at = to;

    while (bytes != 0) {
        const ssize_t n = recv(fd, at, bytes, 0);

        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        at += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

#endif
