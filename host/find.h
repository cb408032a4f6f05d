/* find.h - where the files are that belong to this installation: platforms, device processes, preloads. */
#ifndef RS_FIND_H
#define RS_FIND_H
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * rs_find_file() - look for @name in RS_PLATFORM_PATH (folders with `:` between them; if set, only there), beside the
 * program and the library, in their ../lib/rowstation and rowstation/, and in build/.
 * @path:  receives its name
 * @tried: the folders that were looked at, for a message
 */
bool rs_find_file(const char *name, char path[PATH_MAX], char *tried, size_t tried_size);
#endif
