// A socket is trusted if only root, or the user of this process, can have created it: the socket and every folder above
// it must belong to one of them. The credentials of the listener do not help, because a service manager may have
// created the socket.
#include "connection/socket_trust.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kernel/procfs.h"
#include "model/error.h"
#include "wire/protocol.h"

static bool parse_uid_map(void *context, struct proc_line line) {
    uint64_t numbers[3] = {1, 1, 0};
    const char *text = line.text;
    for (int place = 0; place < 3; place++) {
        if (!parse_proc_number(&text, &numbers[place])) return false;
    }
    *(bool *)context = numbers[0] == 0 && numbers[1] == 0 && numbers[2] == UINT32_MAX;
    return false;
}

// Whether a user id names one user. In a user namespace all unmapped users have the same id, the overflow uid, and a
// user of the namespace may have that id as well.
static bool is_mapped_user(uid_t uid) {
    if (uid == (uid_t)-1) return false;
    bool maps_all = false;
    read_proc_lines("/proc/self/uid_map", parse_uid_map, &maps_all);
    if (maps_all) return true;
    char text[16];
    const char *start = text;
    uint64_t overflow = 65534;
    if (read_proc_file("/proc/sys/kernel/overflowuid", text, sizeof text) > 0) parse_proc_number(&start, &overflow);
    return uid != overflow;
}

static bool is_trusted(uid_t uid, const char *current) {
    if (uid == 0 || uid == geteuid()) return true;
    if (is_mapped_user(uid)) return false;
    // On a file system that is read-only in a container, only the creator of the container can have put a socket,
    // whatever its owner is.
    struct statvfs system;
    return statvfs(current, &system) == 0 && (system.f_flag & ST_RDONLY) != 0;
}

int require_trusted_socket(const char *path, int *number, struct rlimitd_error *error) {
    struct stat status;
    error->code = RLIMITD_OK;
    *number = 0;
    if (lstat(path, &status) != 0) {
        *number = errno;
        return -1;
    }
    static const char format[] = "the agent's socket %s is not to be trusted: ";
    if (S_ISLNK(status.st_mode)) {
        fail(error, RLIMITD_UNTRUSTED_SOCKET, format, path);
        append_message(error, "%s is a symbolic link", path);
        return -1;
    }
    if (!S_ISSOCK(status.st_mode)) {
        *number = ENOTSOCK;
        return -1;
    }
    char current[MAX_PATH_LENGTH + 1];
    copy_truncated(current, sizeof current, path);
    for (bool is_folder = false;; is_folder = true) {
        if (is_folder && stat(current, &status) != 0) {
            *number = errno;
            return -1;
        }
        if (!is_trusted(status.st_uid, current)) {
            fail(error, RLIMITD_UNTRUSTED_SOCKET, format, path);
            append_message(error, "%s belongs to user %u", current, (unsigned)status.st_uid);
            return -1;
        }
        // A user who can write to a folder can replace the folders and the socket in it, unless the folder is sticky.
        if (is_folder && (status.st_mode & 022) != 0 && (status.st_mode & S_ISVTX) == 0) {
            fail(error, RLIMITD_UNTRUSTED_SOCKET, format, path);
            append_message(error, "others can write to %s", current);
            return -1;
        }
        // The next path: "/run/rlimitd/x", "/run/rlimitd", "/run", "/"; or "x", ".".
        char *slash = strrchr(current, '/');
        if (strcmp(current, "/") == 0 || strcmp(current, ".") == 0) return 0;
        if (slash == NULL) {
            strcpy(current, ".");
        } else if (slash == current) {
            strcpy(current, "/");
        } else {
            *slash = '\0';
        }
    }
}
