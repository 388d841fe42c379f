// Reads /proc without the heap. Functions that return an int or ssize_t return -errno on failure.
#ifndef RLIMITD_PROCFS_H
#define RLIMITD_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_line {
    const char *text;  // ends with NUL, without the newline
    size_t length;
};

// Calls `handle` for each line until it returns false. A line longer than 1022 bytes is cut.
int read_proc_lines(const char *path, bool (*handle)(void *context, struct proc_line line), void *context);
// Reads a whole short file and appends a NUL. Returns its length.
ssize_t read_proc_file(const char *path, char *buffer, size_t size);
// Calls `handle` for each entry of a directory until it returns false.
int list_proc_entries(const char *path, bool (*handle)(void *context, const char *name), void *context);
// Reads a number after blanks and advances `text` behind it. Returns false, and advances nothing, if there is none.
bool parse_proc_number(const char **text, uint64_t *number);
bool starts_with(const char *text, const char *prefix);
// fs.nr_open; 0 if it cannot be read.
uint64_t open_files_ceiling(void);

#endif
