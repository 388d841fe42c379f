// Messages of rlimit-run on standard error.
#ifndef RLIMITD_MESSAGE_H
#define RLIMITD_MESSAGE_H

#include <stdint.h>

// Prints one line. Escapes control characters, because others choose the names of rules and commands.
__attribute__((format(printf, 1, 2))) void print_message(const char *format, ...);
// A duration in its two largest units, rounded up to whole seconds: "9m 30s", "10m", "1d 2h".
const char *format_duration(uint64_t milliseconds, char text[64]);

#endif
