#include "model/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    enum rlimitd_code code;
    int number;
    const char *name;
    const char *summary;
} codes[] = {
    {RLIMITD_OK, 0, "OK", "done"},
    {RLIMITD_INVALID_ARGUMENT, EINVAL, "INVALID_ARGUMENT", "invalid argument"},
    {RLIMITD_INVALID_RESOURCE, EINVAL, "INVALID_RESOURCE", "no such resource"},
    {RLIMITD_SOFT_EXCEEDS_HARD, EINVAL, "SOFT_EXCEEDS_HARD", "the soft limit is above the hard limit"},
    {RLIMITD_NO_SUCH_PROCESS, ESRCH, "NO_SUCH_PROCESS", "no such process"},
    {RLIMITD_DENIED_BY_POLICY, EPERM, "DENIED_BY_POLICY", "refused by policy"},
    {RLIMITD_DENIED_BY_KERNEL, EPERM, "DENIED_BY_KERNEL", "refused by the kernel"},
    {RLIMITD_ABOVE_SYSTEM_CEILING, EPERM, "ABOVE_SYSTEM_CEILING", "above fs.nr_open"},
    {RLIMITD_TARGET_CHANGED, ESRCH, "TARGET_CHANGED", "the process changed its identity during the request"},
    {RLIMITD_CONFLICT, EAGAIN, "CONFLICT", "the limits are not as expected"},
    {RLIMITD_QUOTA_EXCEEDED, EDQUOT, "QUOTA_EXCEEDED", "quota exceeded"},
    {RLIMITD_RATE_LIMITED, EAGAIN, "RATE_LIMITED", "too many requests; try again later"},
    {RLIMITD_DEADLINE_EXCEEDED, ETIMEDOUT, "DEADLINE_EXCEEDED", "no answer in time"},
    {RLIMITD_LEASE_ENDED, ENOENT, "LEASE_ENDED", "the lease has ended"},
    {RLIMITD_PIDFD_REQUIRED, EBADF, "PIDFD_REQUIRED", "a caller in another PID namespace must send a pidfd"},
    {RLIMITD_UNSUPPORTED, EOPNOTSUPP, "UNSUPPORTED", "not supported"},
    {RLIMITD_MALFORMED, EPROTO, "MALFORMED", "not the rlimitd protocol"},
    {RLIMITD_INTERNAL, EIO, "INTERNAL", "internal error of the agent"},
    {RLIMITD_AGENT_UNREACHABLE, ECONNREFUSED, "AGENT_UNREACHABLE", "the agent is not reachable"},
    {RLIMITD_UNTRUSTED_SOCKET, EACCES, "UNTRUSTED_SOCKET", "the socket belongs to another user"},
    {RLIMITD_CONNECTION_LOST, ECONNRESET, "CONNECTION_LOST", "the connection to the agent was lost"},
    {RLIMITD_CANCELLED, ECANCELED, "CANCELLED", "cancelled"},
};

static size_t index_of(enum rlimitd_code code) {
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].code == code) return i;
    }
    return sizeof codes / sizeof *codes;
}

const char *rlimitd_code_name(enum rlimitd_code code) {
    size_t i = index_of(code);
    return i < sizeof codes / sizeof *codes ? codes[i].name : "UNKNOWN";
}

int code_errno(enum rlimitd_code code) {
    size_t i = index_of(code);
    return i < sizeof codes / sizeof *codes ? codes[i].number : EIO;
}

const char *code_summary(enum rlimitd_code code) {
    size_t i = index_of(code);
    return i < sizeof codes / sizeof *codes ? codes[i].summary : "unknown error";
}

// Ends a text that fills the buffer in "...", without cutting a UTF-8 character.
static void truncate_utf8(char *buffer, size_t size) {
    size_t end = size - 4;
    while (end > 0 && ((unsigned char)buffer[end] & 0xc0) == 0x80) end--;
    memcpy(buffer + end, "...", 4);
}

void copy_truncated(char *buffer, size_t size, const char *text) {
    size_t length = strlen(text);
    if (length < size) {
        memcpy(buffer, text, length + 1);
        return;
    }
    memcpy(buffer, text, size - 1);
    truncate_utf8(buffer, size);
}

__attribute__((format(printf, 2, 0))) static void append_formatted(struct rlimitd_error *error, const char *format,
                                                                   va_list arguments) {
    size_t length = strlen(error->message);
    size_t room = sizeof error->message - length;
    int wanted = vsnprintf(error->message + length, room, format, arguments);
    if (wanted >= 0 && (size_t)wanted >= room) truncate_utf8(error->message, sizeof error->message);
}

int fail(struct rlimitd_error *error, enum rlimitd_code code, const char *format, ...) {
    error->code = code;
    error->error_number = code_errno(code);
    error->resource = -1;
    error->edit_index = -1;
    error->has_allowed = false;
    error->allowed = (struct rlimitd_limit){0, 0};
    error->retry_after_ms = 0;
    error->rule[0] = '\0';
    error->message[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    append_formatted(error, format, arguments);
    va_end(arguments);
    return -1;
}

void append_message(struct rlimitd_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    append_formatted(error, format, arguments);
    va_end(arguments);
}

void prepend_message(struct rlimitd_error *error, const char *format, ...) {
    char message[RLIMITD_MESSAGE_SIZE];
    memcpy(message, error->message, sizeof message);
    error->message[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    append_formatted(error, format, arguments);
    va_end(arguments);
    append_message(error, ", and %s", message);
}

const char *errno_description(int number, char *buffer, size_t size) {
#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 32)
    // strerrordesc_np does not translate, so it takes no lock.
    const char *text = strerrordesc_np(number);
    if (text != NULL) return text;
    snprintf(buffer, size, "Unknown error %d", number);
#else
    if (strerror_r(number, buffer, size) != 0) snprintf(buffer, size, "error %d", number);
#endif
    return buffer;
}

int fail_with_errno(struct rlimitd_error *error, int number, const char *call, const char *process_name, int resource) {
    char text[64], what[96];
    const char *description = errno_description(number, text, sizeof text);
    if (resource >= 0) {
        snprintf(what, sizeof what, "%s of %s", rlimitd_resource_name(resource), process_name);
    } else {
        snprintf(what, sizeof what, "%s", process_name);
    }
    switch (number) {
    case ESRCH:
    case ENOENT:
        fail(error, RLIMITD_NO_SUCH_PROCESS, "no such process: %s", process_name);
        break;
    case EPERM:
    case EACCES:
        fail(error, RLIMITD_DENIED_BY_KERNEL, "the kernel refused %s: %s: %s", what, call, description);
        error->error_number = number;
        break;
    case EINVAL:
        fail(error, RLIMITD_INVALID_ARGUMENT, "the kernel takes no such value for %s", what);
        break;
    default:
        fail(error, RLIMITD_INTERNAL, "%s: %s: %s", what, call, description);
        error->error_number = number;
    }
    error->resource = resource;
    return -1;
}

int fail_no_such_process(struct rlimitd_error *error, const char *process_name) {
    return fail(error, RLIMITD_NO_SUCH_PROCESS, "no such process: %s has ended or never was", process_name);
}

int fail_out_of_memory(struct rlimitd_error *error) {
    fail(error, RLIMITD_INTERNAL, "out of memory");
    error->error_number = ENOMEM;
    return -1;
}

int set_errno(int value, const struct rlimitd_error *error) {
    if (value == 0) return 0;
    errno = error->error_number != 0 ? error->error_number : EIO;
    return -1;
}
