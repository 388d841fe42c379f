#define _GNU_SOURCE
#include "CRlimitLinux.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "result.h"

static int native_flags(int flags) {
    int native = O_CLOEXEC | O_RDONLY;
    if (flags & RL_OPEN_DIRECTORY) native |= O_DIRECTORY;
    if (flags & RL_OPEN_NO_FOLLOW) native |= O_NOFOLLOW;
    if (flags & RL_OPEN_PATH_ONLY) native |= O_PATH;
    return native;
}

int rl_open(const char *path, int flags) { return RESULT(open(path, native_flags(flags))); }

// Opens one path component after the other. Rejects "..", symbolic links and other file systems.
static int walk_beneath(int directory_fd, const char *path, int flags) {
    struct stat top, here;
    if (fstat(directory_fd, &top) != 0) return -errno;
    int at = openat(directory_fd, ".", O_CLOEXEC | O_PATH | O_DIRECTORY);
    if (at < 0) return -errno;
    while (1) {
        while (*path == '/') path++;
        size_t length = strcspn(path, "/");
        char name[NAME_MAX + 1];
        if (length >= sizeof name || length == 0) {
            close(at);
            return length == 0 ? -ENOENT : -ENAMETOOLONG;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        path += length;
        int is_last = path[strspn(path, "/")] == '\0';
        int next = strcmp(name, "..") == 0
                       ? -EXDEV
                       : (int)RESULT(openat(at, name, O_NOFOLLOW | (is_last ? native_flags(flags)
                                                                            : O_CLOEXEC | O_PATH | O_DIRECTORY)));
        close(at);
        if (next < 0) return next;
        if (fstat(next, &here) != 0 || here.st_dev != top.st_dev) {
            close(next);
            return -EXDEV;
        }
        if (is_last) return next;
        at = next;
    }
}

int rl_open_beneath(int directory_fd, const char *path, int flags) {
    struct open_how how = {
        .flags = native_flags(flags),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    int result = (int)RESULT(syscall(SYS_openat2, directory_fd, path, &how, sizeof how));
    // seccomp filters cannot read its struct argument, so some deny the call: RestrictSUIDSGID= of systemd.
    return result == -ENOSYS ? walk_beneath(directory_fd, path, flags) : result;
}

int rl_cgroup_version(int fd) {
    struct statfs native;
    if (fstatfs(fd, &native) != 0) return -errno;
    return native.f_type == CGROUP2_SUPER_MAGIC ? 2 : native.f_type == CGROUP_SUPER_MAGIC ? 1 : 0;
}

int rl_close(int fd) { return RESULT(close(fd)); }
ssize_t rl_read(int fd, void *bytes, size_t count) { return RESULT(read(fd, bytes, count)); }
ssize_t rl_read_at(int fd, void *bytes, size_t count, int64_t position) {
    return RESULT(pread(fd, bytes, count, position));
}
ssize_t rl_write(int fd, const void *bytes, size_t count) { return RESULT(write(fd, bytes, count)); }

static void take(struct rl_file_status *status, const struct stat *native) {
    status->device = native->st_dev;
    status->inode = native->st_ino;
    status->size = native->st_size;
    status->mode = native->st_mode;
    status->uid = native->st_uid;
    status->gid = native->st_gid;
    status->links = native->st_nlink;
}

int rl_file_status(int fd, struct rl_file_status *status) {
    struct stat native;
    if (fstat(fd, &native) != 0) return -errno;
    take(status, &native);
    return 0;
}

int rl_path_status(const char *path, int follow, struct rl_file_status *status) {
    struct stat native;
    if (fstatat(AT_FDCWD, path, &native, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) return -errno;
    take(status, &native);
    return 0;
}

int rl_make_directory(const char *path, uint32_t mode) { return RESULT(mkdir(path, mode)); }
int rl_change_mode(const char *path, uint32_t mode) { return RESULT(chmod(path, mode)); }
int rl_change_owner(int fd, uint32_t uid, uint32_t gid) { return RESULT(fchown(fd, uid, gid)); }
int rl_unlink(const char *path) { return RESULT(unlink(path)); }

int rl_create_at(int directory_fd, const char *name) {
    return RESULT(openat(directory_fd, name, O_CLOEXEC | O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
}

int rl_open_file_at(int directory_fd, const char *name) {
    return RESULT(openat(directory_fd, name, O_CLOEXEC | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
}

int rl_rename_at(int directory_fd, const char *from, const char *to) {
    return RESULT(renameat(directory_fd, from, directory_fd, to));
}

int rl_unlink_at(int directory_fd, const char *name) { return RESULT(unlinkat(directory_fd, name, 0)); }
int rl_is_regular(uint32_t mode) { return S_ISREG(mode); }

int rl_is_read_only(const char *path) {
    struct statvfs native;
    if (statvfs(path, &native) != 0) return -errno;
    return (native.f_flag & ST_RDONLY) != 0;
}

ssize_t rl_read_link(const char *path, char *text, size_t count) { return RESULT(readlink(path, text, count)); }
int rl_lock_exclusive(int fd) { return RESULT(flock(fd, LOCK_EX | LOCK_NB)); }

int rl_set_nonblocking(int fd, int on) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    return RESULT(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

int rl_set_close_on_exec(int fd) { return RESULT(fcntl(fd, F_SETFD, FD_CLOEXEC)); }
int rl_duplicate(int fd) { return RESULT(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }
int rl_duplicate_for_exec(int fd, int min_fd) { return RESULT(fcntl(fd, F_DUPFD, min_fd)); }
int rl_window_size(int fd, int *columns, int *rows) {
    struct winsize size = {0};
    int result = RESULT(ioctl(fd, TIOCGWINSZ, &size));
    *columns = size.ws_col;
    *rows = size.ws_row;
    return result;
}

int rl_descriptor_flags(int fd) { return RESULT(fcntl(fd, F_GETFL)); }

static_assert(offsetof(struct dirent64, d_reclen) == RL_ENTRY_LENGTH_OFFSET &&
              offsetof(struct dirent64, d_name) == RL_ENTRY_NAME_OFFSET, "getdents64(2)");

ssize_t rl_directory_read(int fd, void *entries, size_t size) { return RESULT(getdents64(fd, entries, size)); }

// struct rl_directory is a DIR, which Swift imports as one pointer type with every C library.
int rl_directory_adopt(int fd, struct rl_directory **directory) {
    DIR *native = fdopendir(fd);
    if (native == NULL) return -errno;
    *directory = (struct rl_directory *)native;
    return 0;
}

int rl_directory_next(struct rl_directory *directory, const char **name) {
    errno = 0;
    struct dirent *entry = readdir((DIR *)directory);
    if (entry == NULL) return -errno;
    *name = entry->d_name;
    return 1;
}

int rl_directory_next_folder(struct rl_directory *directory, const char **name) {
    while (1) {
        errno = 0;
        struct dirent *entry = readdir((DIR *)directory);
        if (entry == NULL) return -errno;
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        *name = entry->d_name;
        return 1;
    }
}

int rl_directory_number(struct rl_directory *directory) { return RESULT(dirfd((DIR *)directory)); }

void rl_directory_close(struct rl_directory *directory) { closedir((DIR *)directory); }
