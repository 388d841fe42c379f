#include "kernel/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_file(const char *path, int flags) {
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

static ssize_t read_retrying(int fd, char *buffer, size_t size) {
    ssize_t count;
    do {
        count = read(fd, buffer, size);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int read_proc_lines(const char *path, bool (*handle)(void *context, struct proc_line line), void *context) {
    int fd = open_file(path, 0);
    if (fd < 0) return fd;
    char buffer[1024];
    size_t end = 0;
    bool is_rest_of_line = false, continues = true;
    ssize_t count = 0;
    while (continues && (count = read_retrying(fd, buffer + end, sizeof buffer - 1 - end)) > 0) {
        end += (size_t)count;
        char *start = buffer, *stop;
        while (continues && (stop = memchr(start, '\n', (size_t)(buffer + end - start))) != NULL) {
            *stop = '\0';
            if (!is_rest_of_line) continues = handle(context, (struct proc_line){start, (size_t)(stop - start)});
            is_rest_of_line = false;
            start = stop + 1;
        }
        end = (size_t)(buffer + end - start);
        memmove(buffer, start, end);
        if (end < sizeof buffer - 1) continue;
        // A line that is too long is handled with the part in the buffer. The rest of it is skipped.
        buffer[end] = '\0';
        if (!is_rest_of_line && continues) continues = handle(context, (struct proc_line){buffer, end});
        is_rest_of_line = true;
        end = 0;
    }
    close(fd);
    return count < 0 ? (int)count : 0;
}

ssize_t read_proc_file(const char *path, char *buffer, size_t size) {
    int fd = open_file(path, 0);
    if (fd < 0) return fd;
    size_t end = 0;
    ssize_t count;
    while ((count = read_retrying(fd, buffer + end, size - 1 - end)) > 0) end += (size_t)count;
    close(fd);
    if (count < 0) return count;
    buffer[end] = '\0';
    return (ssize_t)end;
}

// struct linux_dirent64 of getdents64(2).
struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char kind;
    char name[];
};

int list_proc_entries(const char *path, bool (*handle)(void *context, const char *name), void *context) {
    int fd = open_file(path, O_DIRECTORY);
    if (fd < 0) return fd;
    _Alignas(struct entry) char buffer[2048];
    long count;
    bool continues = true;
    while (continues && (count = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
        for (long i = 0; continues && i < count;) {
            const struct entry *entry = (const struct entry *)(const void *)(buffer + i);
            if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0) {
                continues = handle(context, entry->name);
            }
            i += entry->length;
        }
    }
    int number = continues && count < 0 ? -errno : 0;
    close(fd);
    return number;
}

bool parse_proc_number(const char **text, uint64_t *number) {
    const char *digit = *text;
    while (*digit == ' ' || *digit == '\t') digit++;
    if (*digit < '0' || *digit > '9') return false;
    uint64_t value = 0;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        uint64_t last = (uint64_t)(*digit - '0');
        if (value > (UINT64_MAX - last) / 10) return false;
        value = value * 10 + last;
    }
    *number = value;
    *text = digit;
    return true;
}

bool starts_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

uint64_t open_files_ceiling(void) {
    char text[32];
    const char *start = text;
    uint64_t ceiling = 0;
    if (read_proc_file("/proc/sys/fs/nr_open", text, sizeof text) > 0) parse_proc_number(&start, &ceiling);
    return ceiling;
}
