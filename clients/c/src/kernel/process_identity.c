#include "kernel/process_identity.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel/procfs.h"

#define PIDFS_MAGIC 0x50494446  // PID_FS_MAGIC of linux/magic.h, Linux 6.9
#define START_TIME_FIELD 22     // of /proc/PID/stat

// /proc shows start times in the time namespace of the reader. The agent's is the initial one, whose inode is fixed
// (PROC_TIME_INIT_INO). A kernel without time namespaces has no link.
static bool is_initial_time_namespace(void) {
    static const char initial[] = "time:[4026531834]";
    char link[32];
    ssize_t length = readlink("/proc/self/ns/time", link, sizeof link);
    return length < 0 || ((size_t)length == sizeof initial - 1 && memcmp(link, initial, sizeof initial - 1) == 0);
}

static bool read_start_time(pid_t pid, uint64_t *time) {
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_proc_file(path, text, sizeof text) <= 0) return false;
    // Field 2 is the command in brackets, which may contain blanks and brackets.
    const char *rest = strrchr(text, ')');
    for (int field = 2; rest != NULL && field < START_TIME_FIELD; field++) {
        rest = strchr(rest + 1, ' ');
    }
    return rest != NULL && parse_proc_number(&rest, time);
}

struct process_identity identity_of_process(int pidfd, pid_t pid) {
    struct process_identity identity = {.kind = IDENTITY_UNKNOWN};
    struct statfs system;
    struct stat status;
    if (fstatfs(pidfd, &system) == 0 && system.f_type == PIDFS_MAGIC) {
        if (fstat(pidfd, &status) != 0) return identity;
        identity.kind = IDENTITY_INODE;
        identity.value = status.st_ino;
    } else if (is_initial_time_namespace() && read_start_time(pid, &identity.value)) {
        identity.kind = IDENTITY_START_TIME;
    }
    return identity;
}
