/* find.c - see find.h. */
#define _GNU_SOURCE                         /* dladdr() */
#include "find.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void parent(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash != NULL)
        *slash = '\0';
}

/* Appends @folder (@length bytes) to the list of places tried, and says whether @name is in it. */
static bool try_folder(const char *folder, size_t length, const char *name, char *path, char *tried, size_t tried_size)
{
    const size_t used = strlen(tried);

    if (length == 0 || snprintf(path, PATH_MAX, "%.*s/%s", (int)length, folder, name) >= PATH_MAX)
        return false;
    snprintf(tried + used, tried_size - used, "%s%.*s", used != 0 ? ", " : "", (int)length, folder);
    return access(path, R_OK) == 0;
}

bool rs_find_file(const char *name, char path[PATH_MAX], char *tried, size_t tried_size)
{
    const char *list = getenv("RS_PLATFORM_PATH");
    char folder[PATH_MAX + 32];
    bool found = false;

    tried[0] = '\0';
    if (list != NULL && *list != '\0') {
        for (; *list != '\0' && !found; list += strcspn(list, ":"), list += *list == ':')
            found = try_folder(list, strcspn(list, ":"), name, path, tried, tried_size);
    } else {
        const ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
        Dl_info info;

        if (n > 0) {
            folder[n] = '\0';
            parent(folder);
            found = try_folder(folder, strlen(folder), name, path, tried, tried_size);
            if (!found) {
                parent(folder);
                strcat(folder, "/lib/rowstation");
                found = try_folder(folder, strlen(folder), name, path, tried, tried_size);
            }
        }
        if (!found && dladdr((void *)&rs_find_file, &info) != 0 && info.dli_fname != NULL &&
            strlen(info.dli_fname) < PATH_MAX && strchr(info.dli_fname, '/') != NULL) {
            strcpy(folder, info.dli_fname);
            parent(folder);
            found = try_folder(folder, strlen(folder), name, path, tried, tried_size);
            if (!found) {
                strcat(folder, "/rowstation");
                found = try_folder(folder, strlen(folder), name, path, tried, tried_size);
            }
        }
        if (!found)
            found = try_folder("build", 5, name, path, tried, tried_size);
    }
    return found;
}
