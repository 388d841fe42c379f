#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct output_line {
    size_t length;
    char text[8192];
};

static void append(struct output_line *line, const char *text, size_t length) {
    size_t room = sizeof line->text - line->length;
    if (length > room) length = room;
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

// Returns the length of a UTF-8 character and sets `scalar`; 1 and U+FFFD for an invalid byte.
static size_t decode_utf8(const char *text, uint32_t *scalar) {
    unsigned char first = (unsigned char)text[0];
    size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    *scalar = length < 2 ? first : first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) length = 0;
        if (length > 0) *scalar = *scalar << 6 | ((unsigned char)text[i] & 0x3fu);
    }
    if (length > 0 && *scalar <= 0x10ffff && !(*scalar >= 0xd800 && *scalar <= 0xdfff)) return length;
    *scalar = 0xfffd;
    return 1;
}

// False for characters that control a terminal, break a line or are invisible.
static bool is_printable(uint32_t scalar) {
    if (scalar < 0x80) return scalar >= 0x20 && scalar < 0x7f;
    return !(scalar < 0xa0 || scalar == 0xad || scalar == 0x61c || scalar == 0x180e ||
             (scalar >= 0x200b && scalar <= 0x200f) || (scalar >= 0x2028 && scalar <= 0x202e) ||
             (scalar >= 0x2060 && scalar <= 0x206f) || (scalar >= 0xe000 && scalar <= 0xf8ff) || scalar == 0xfeff ||
             (scalar >= 0xfff0 && scalar <= 0xfffb) || scalar >= 0xe0000);
}

__attribute__((format(printf, 1, 2))) void print_message(const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct output_line line = {0};
    append(&line, "rlimit-run: ", 12);
    for (const char *position = text; *position != '\0';) {
        uint32_t scalar;
        size_t length = decode_utf8(position, &scalar);
        char escaped[16];
        if (scalar == '\\') {
            append(&line, "\\\\", 2);
        } else if (scalar == 0xfffd && length == 1) {
            append(&line, "\xef\xbf\xbd", 3);
        } else if (is_printable(scalar)) {
            append(&line, position, length);
        } else {
            append(&line, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u{%" PRIx32 "}", scalar));
        }
        position += length;
    }
    if (line.length == sizeof line.text) line.length--;
    append(&line, "\n", 1);
    for (size_t sent = 0; sent < line.length;) {
        ssize_t count = write(STDERR_FILENO, line.text + sent, line.length - sent);
        if (count <= 0 && errno != EINTR) return;
        if (count > 0) sent += (size_t)count;
    }
}

const char *format_duration(uint64_t milliseconds, char text[64]) {
    static const struct {
        const char *argument;
        uint64_t seconds;
    } units[] = {{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}};
    uint64_t seconds = (milliseconds + 999) / 1000;
    text[0] = '\0';
    for (int unit = 0, shown = 0; unit < 4 && shown < 2; unit++) {
        uint64_t count = seconds / units[unit].seconds;
        seconds %= units[unit].seconds;
        if (count == 0 && shown == 0) continue;
        if (count > 0) {
            size_t length = strlen(text);
            snprintf(text + length, 64 - length, "%s%" PRIu64 "%s", shown > 0 ? " " : "", count, units[unit].argument);
        }
        shown++;
    }
    return text[0] != '\0' ? text : "0s";
}
