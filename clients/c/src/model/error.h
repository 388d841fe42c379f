// Fills in struct rlimitd_error.
#ifndef RLIMITD_ERROR_H
#define RLIMITD_ERROR_H

#include "rlimitd.h"

// Sets the code, the errno that belongs to it and the message; clears everything else. Returns -1.
__attribute__((format(printf, 3, 4))) int fail(struct rlimitd_error *error, enum rlimitd_code code, const char *format,
                                               ...);
// Returns -1. For a failed system call about a process, such as "process 4242". `resource` is -1 when the call concerns
// none.
int fail_with_errno(struct rlimitd_error *error, int number, const char *call, const char *process_name, int resource);
int fail_no_such_process(struct rlimitd_error *error, const char *process_name);
int fail_out_of_memory(struct rlimitd_error *error);

// Appends to the message, as printf(3).
__attribute__((format(printf, 2, 3))) void append_message(struct rlimitd_error *error, const char *format, ...);
// Puts a text, as printf(3), and ", and " before the message.
__attribute__((format(printf, 2, 3))) void prepend_message(struct rlimitd_error *error, const char *format, ...);
// Copies a text. A text that does not fit ends in "..." and never in the middle of a character.
void copy_truncated(char *buffer, size_t size, const char *text);

int code_errno(enum rlimitd_code code);
const char *code_summary(enum rlimitd_code code);
// The English description of an errno.
const char *errno_description(int number, char *buffer, size_t size);

// The last step of a public function: returns `value`, and sets errno if it is -1.
int set_errno(int value, const struct rlimitd_error *error);

#endif
