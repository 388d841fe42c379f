// rlimit-run: raises its own limits, which survive exec, and becomes the command. What `rlimitctl run` does, in one static program.
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "internal.h"

#define EXIT_NOT_STARTED 125
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define MAX_LEASE_DAYS 365

static const char usage[] =
    "usage: rlimit-run [--optional] [--lease [TIME]] [--socket PATH] RESOURCE=VALUE ... [--] COMMAND [ARG ...]\n"
    "\n"
    "Runs a command with other limits than these: by the kernel's leave, or else the agent's.\n"
    "\n"
    "  nofile=65536        soft becomes this; hard is raised to it if it is below, and never lowered\n"
    "  nofile=1024:65536   soft and hard, exactly; SOFT: and :HARD are one half\n"
    "  as=unlimited  as=hard  nofile=max  memlock=64M  cpu=10m  nice=-10\n"
    "\n"
    "  --optional          where a limit is refused, or there is no agent, say so and go on without\n"
    "  --lease [TIME]      take it back after this time, as 30s, 10m, 1h or 7d; without a time, when the command has ended\n"
    "  --socket PATH       the agent's; else RLIMITD_SOCKET, else /run/rlimitd/rlimitd.sock\n"
    "  --help, --version\n"
    "\n"
    "Exit status: the command's own; 125 if it was not started, 126 if it could not be executed, 127 if it was not found.\n";

// ---- What is said

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

// The length of the character here, and which it is; 1 and a replacement where there is none.
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

// What neither steers a terminal, nor breaks a line, nor hides.
static bool is_printable(uint32_t scalar) {
    if (scalar < 0x80) return scalar >= 0x20 && scalar < 0x7f;
    return !(scalar < 0xa0 || scalar == 0xad || scalar == 0x61c || scalar == 0x180e || (scalar >= 0x200b && scalar <= 0x200f) ||
             (scalar >= 0x2028 && scalar <= 0x202e) || (scalar >= 0x2060 && scalar <= 0x206f) ||
             (scalar >= 0xe000 && scalar <= 0xf8ff) || scalar == 0xfeff || (scalar >= 0xfff0 && scalar <= 0xfffb) ||
             scalar >= 0xe0000);
}

// A sentence on standard error. Names of rules and of commands are chosen by others.
__attribute__((format(printf, 1, 2))) static void print_message(const char *format, ...) {
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

// What is left of a lease, in its two largest units, rounded up to whole seconds: "9m 30s", "10m", "1d 2h".
static const char *format_duration(uint64_t milliseconds, char text[64]) {
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

// ---- The command line

struct run_options {
    bool is_optional;
    bool is_lease;
    uint64_t lease_ms;  // 0: as long as the command runs
    const char *socket;
    size_t count;
    struct rlimitd_edit edits[RLIMITD_RESOURCES];
    char **command;
};

static int parse_duration(const char *text, uint64_t *milliseconds) {
    static const struct {
        const char *unit;
        uint64_t seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    const char *suffix = text;
    uint64_t number = 0, factor = 0;
    bool is_number = *text >= '0' && *text <= '9' && parse_proc_number(&suffix, &number) && number <= INT64_MAX;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(suffix, units[i].unit) == 0) factor = units[i].seconds;
    }
    if (!is_number || factor == 0 || number == 0) {
        print_message("--lease needs a time as \"30s\", \"10m\", \"1h\" or \"7d\", and \"%.200s\" is none", text);
        return -1;
    }
    if (number > (uint64_t)MAX_LEASE_DAYS * 86400 / factor) {
        print_message("--lease %s: a lease lasts at most %dd", text, MAX_LEASE_DAYS);
        return -1;
    }
    *milliseconds = number * factor * 1000;
    return 0;
}

// "--name=value" of an option: the value; else NULL.
static const char *option_value(const char *argument, const char *option) {
    size_t length = strlen(option);
    return strncmp(argument, option, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

static int parse_socket(const char *path, struct run_options *options) {
    options->socket = path;
    if (path[0] != '\0') return 0;
    print_message("--socket needs a path; see \"rlimit-run --help\"");
    return -1;
}

// The words from the first that is no option, or NULL.
static char **parse_options(char **arguments, struct run_options *options) {
    for (; *arguments != NULL && (*arguments)[0] == '-' && strcmp(*arguments, "--") != 0; arguments++) {
        const char *value;
        if (strcmp(*arguments, "--optional") == 0) {
            options->is_optional = true;
        } else if (strcmp(*arguments, "--lease") == 0) {
            options->is_lease = true;
            // What follows is its time, unless it is what comes next.
            char *next = arguments[1];
            if (next == NULL || strchr(next, '=') != NULL || next[0] == '-') continue;
            if (parse_duration(*++arguments, &options->lease_ms) != 0) return NULL;
        } else if ((value = option_value(*arguments, "--lease")) != NULL) {
            options->is_lease = true;
            if (parse_duration(value, &options->lease_ms) != 0) return NULL;
        } else if (strcmp(*arguments, "--socket") == 0 && arguments[1] != NULL) {
            if (parse_socket(*++arguments, options) != 0) return NULL;
        } else if ((value = option_value(*arguments, "--socket")) != NULL) {
            if (parse_socket(value, options) != 0) return NULL;
        } else if (strcmp(*arguments, "--help") == 0 || strcmp(*arguments, "-h") == 0) {
            exit(fputs(usage, stdout) < 0 || fflush(stdout) != 0 ? EXIT_NOT_STARTED : 0);
        } else if (strcmp(*arguments, "--version") == 0) {
            exit(printf("%s\n", rlimitd_version()) < 0 || fflush(stdout) != 0 ? EXIT_NOT_STARTED : 0);
        } else {
            print_message("there is no option \"%s\"%s; see \"rlimit-run --help\"", *arguments,
                 strcmp(*arguments, "--socket") == 0 ? " without a path" : "");
            return NULL;
        }
    }
    if (*arguments != NULL && strcmp(*arguments, "--") == 0) arguments++;
    return arguments;
}

static int parse_edit(const char *argument, struct run_options *options) {
    struct rlimitd_error error;
    struct rlimitd_edit edit;
    if (rlimitd_edit_parse(argument, &edit, &error) != 0) {
        print_message("%s", error.message);
        return -1;
    }
    for (size_t i = 0; i < options->count; i++) {
        if (options->edits[i].resource != edit.resource) continue;
        print_message("%s is given twice", rlimitd_resource_name(edit.resource));
        return -1;
    }
    options->edits[options->count++] = edit;
    return 0;
}

// The command is the first word without "=", or what follows "--"; nothing after it is looked at.
static int parse(char **arguments, struct run_options *options) {
    arguments = parse_options(arguments, options);
    if (arguments == NULL) return -1;
    char **first = arguments;
    while (*arguments != NULL && strchr(*arguments, '=') != NULL && (*arguments)[0] != '-') arguments++;
    char **end = arguments;
    if (*arguments != NULL && strcmp(*arguments, "--") == 0) {
        arguments++;
    } else if (*arguments != NULL && (*arguments)[0] == '-' && (*arguments)[1] != '\0') {
        print_message("\"%s\" after RESOURCE=VALUE is neither; options of rlimit-run go before, and \"--\" before a command with a dash",
             *arguments);
        return -1;
    }
    options->command = arguments;
    if (end == first) {
        print_message("rlimit-run needs at least one RESOURCE=VALUE, such as nofile=65536");
        return -1;
    }
    if (*arguments == NULL) {
        print_message("rlimit-run needs a command after RESOURCE=VALUE");
        return -1;
    }
    for (; first < end; first++) {
        if (parse_edit(*first, options) != 0) return -1;
    }
    return 0;
}

// ---- What is done

static void print_changes(const struct rlimitd_change *changes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *name = rlimitd_resource_name(changes[i].resource);
        if (changes[i].shortfall != NULL) {
            print_message("%s has not all that was asked for: %s", name, changes[i].shortfall->message);
        }
        if (changes[i].warnings & RLIMITD_LIMITED_BY_USER_NAMESPACE) {
            print_message("%s: the user namespace that the process is in holds this limit down whatever it says", name);
        }
    }
}

static int apply_edits(struct rlimitd *agent, const struct run_options *options, const struct rlimitd_edit *edits, size_t count,
                struct rlimitd_error *error) {
    if (!options->is_lease) {
        struct rlimitd_changes *changes;
        if (rlimitd_set(agent, NULL, edits, count, &changes, error) != 0) return -1;
        print_changes(changes->list, changes->count);
        rlimitd_free(changes);
        return 0;
    }
    struct rlimitd_lease *lease;
    if (rlimitd_lease(agent, NULL, edits, count, options->lease_ms, &lease, error) != 0) return -1;
    if (options->lease_ms == 0 && lease->remaining_ms > 0) {
        char text[64];
        print_message("the rule has leases renewed, which no command does: this one ends in %s",
             format_duration(lease->remaining_ms, text));
    }
    print_changes(lease->changes, lease->count);
    rlimitd_free(lease);
    return 0;
}

// Whether somebody else said no, or nobody was there to say yes; else the edit itself makes no sense.
static bool is_refusal(const struct rlimitd_error *error) {
    return error->code != RLIMITD_INVALID_ARGUMENT && error->code != RLIMITD_INVALID_RESOURCE &&
           error->code != RLIMITD_SOFT_EXCEEDS_HARD;
}

// How many of the edits were made; -1 where the command is not to be run.
static int apply_all(struct rlimitd *agent, const struct run_options *options, struct rlimitd_error *error) {
    if (!options->is_optional) return apply_edits(agent, options, options->edits, options->count, error) == 0 ? (int)options->count : -1;
    int applied_count = 0;
    // One by one, so that what is refused takes nothing else with it.
    for (size_t i = 0; i < options->count; i++) {
        if (apply_edits(agent, options, &options->edits[i], 1, error) == 0) {
            applied_count++;
        } else if (is_refusal(error)) {
            print_message("%s stays as it is: %s", rlimitd_resource_name(options->edits[i].resource), error->message);
        } else {
            return -1;
        }
    }
    return applied_count;
}

int main(int count, char **arguments) {
    struct run_options options = {0};
    struct rlimitd_error error;
    if (parse(arguments + (count > 0), &options) != 0) return EXIT_NOT_STARTED;
    struct rlimitd *agent = rlimitd_open(&(struct rlimitd_options){.socket = options.socket}, &error);
    int applied_count = agent != NULL ? apply_all(agent, &options, &error) : -1;
    // A lease without a time lasts as long as the connection, which stays open in the command.
    if (applied_count > 0 && options.is_lease && options.lease_ms == 0 && keep_connection_across_exec(agent, &error) != 0) applied_count = -1;
    if (applied_count < 0) {
        print_message("%s", error.message);
        return EXIT_NOT_STARTED;
    }
    execvp(options.command[0], options.command);
    int number = errno;
    char text[64];
    print_message("cannot run \"%s\": execvp: %s", options.command[0], errno_description(number, text, sizeof text));
    return number == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
