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

#define NOT_RUN 125
#define NOT_EXECUTABLE 126
#define NOT_FOUND 127
#define LONGEST_LEASE_DAYS 365

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

struct line {
    size_t length;
    char text[8192];
};

static void put(struct line *line, const char *text, size_t length) {
    size_t room = sizeof line->text - line->length;
    if (length > room) length = room;
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

// The length of the character here, and which it is; 1 and a replacement where there is none.
static size_t character(const char *text, uint32_t *scalar) {
    unsigned char first = (unsigned char)text[0];
    size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    *scalar = length < 2 ? first : first & (0x7fu >> length);
    for (size_t place = 1; place < length; place++) {
        if (((unsigned char)text[place] & 0xc0) != 0x80) length = 0;
        if (length > 0) *scalar = *scalar << 6 | ((unsigned char)text[place] & 0x3fu);
    }
    if (length > 0 && *scalar <= 0x10ffff && !(*scalar >= 0xd800 && *scalar <= 0xdfff)) return length;
    *scalar = 0xfffd;
    return 1;
}

// What neither steers a terminal, nor breaks a line, nor hides.
static bool is_plain(uint32_t scalar) {
    if (scalar < 0x80) return scalar >= 0x20 && scalar < 0x7f;
    return !(scalar < 0xa0 || scalar == 0xad || scalar == 0x61c || scalar == 0x180e || (scalar >= 0x200b && scalar <= 0x200f) ||
             (scalar >= 0x2028 && scalar <= 0x202e) || (scalar >= 0x2060 && scalar <= 0x206f) ||
             (scalar >= 0xe000 && scalar <= 0xf8ff) || scalar == 0xfeff || (scalar >= 0xfff0 && scalar <= 0xfffb) ||
             scalar >= 0xe0000);
}

// A sentence on standard error. Names of rules and of commands are chosen by others.
__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct line line = {0};
    put(&line, "rlimit-run: ", 12);
    for (const char *here = text; *here != '\0';) {
        uint32_t scalar;
        size_t length = character(here, &scalar);
        char escaped[16];
        if (scalar == '\\') {
            put(&line, "\\\\", 2);
        } else if (scalar == 0xfffd && length == 1) {
            put(&line, "\xef\xbf\xbd", 3);
        } else if (is_plain(scalar)) {
            put(&line, here, length);
        } else {
            put(&line, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u{%" PRIx32 "}", scalar));
        }
        here += length;
    }
    if (line.length == sizeof line.text) line.length--;
    put(&line, "\n", 1);
    for (size_t sent = 0; sent < line.length;) {
        ssize_t count = write(STDERR_FILENO, line.text + sent, line.length - sent);
        if (count <= 0 && errno != EINTR) return;
        if (count > 0) sent += (size_t)count;
    }
}

// What is left of a lease, in its two largest units, rounded up to whole seconds: "9m 30s", "10m", "1d 2h".
static const char *time_text(uint64_t milliseconds, char text[64]) {
    static const struct {
        const char *word;
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
            snprintf(text + length, 64 - length, "%s%" PRIu64 "%s", shown > 0 ? " " : "", count, units[unit].word);
        }
        shown++;
    }
    return text[0] != '\0' ? text : "0s";
}

// ---- The command line

struct plan {
    bool is_optional;
    bool is_lease;
    uint64_t lease_ms;  // 0: as long as the command runs
    const char *socket;
    size_t count;
    struct rlimitd_edit edits[RLIMITD_RESOURCES];
    char **command;
};

static int parse_time(const char *text, uint64_t *milliseconds) {
    static const struct {
        const char *unit;
        uint64_t seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    const char *rest = text;
    uint64_t number = 0, factor = 0;
    bool is_number = *text >= '0' && *text <= '9' && proc_number(&rest, &number) && number <= INT64_MAX;
    for (size_t place = 0; place < sizeof units / sizeof *units; place++) {
        if (strcmp(rest, units[place].unit) == 0) factor = units[place].seconds;
    }
    if (!is_number || factor == 0 || number == 0) {
        note("--lease needs a time as \"30s\", \"10m\", \"1h\" or \"7d\", and \"%.200s\" is none", text);
        return -1;
    }
    if (number > (uint64_t)LONGEST_LEASE_DAYS * 86400 / factor) {
        note("--lease %s: a lease lasts at most %dd", text, LONGEST_LEASE_DAYS);
        return -1;
    }
    *milliseconds = number * factor * 1000;
    return 0;
}

// "--name=value" of an option: the value; else NULL.
static const char *value_of(const char *word, const char *option) {
    size_t length = strlen(option);
    return strncmp(word, option, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static int parse_socket(const char *path, struct plan *plan) {
    plan->socket = path;
    if (path[0] != '\0') return 0;
    note("--socket needs a path; see \"rlimit-run --help\"");
    return -1;
}

// The words from the first that is no option, or NULL.
static char **parse_options(char **words, struct plan *plan) {
    for (; *words != NULL && (*words)[0] == '-' && strcmp(*words, "--") != 0; words++) {
        const char *value;
        if (strcmp(*words, "--optional") == 0) {
            plan->is_optional = true;
        } else if (strcmp(*words, "--lease") == 0) {
            plan->is_lease = true;
            // What follows is its time, unless it is what comes next.
            char *next = words[1];
            if (next == NULL || strchr(next, '=') != NULL || next[0] == '-') continue;
            if (parse_time(*++words, &plan->lease_ms) != 0) return NULL;
        } else if ((value = value_of(*words, "--lease")) != NULL) {
            plan->is_lease = true;
            if (parse_time(value, &plan->lease_ms) != 0) return NULL;
        } else if (strcmp(*words, "--socket") == 0 && words[1] != NULL) {
            if (parse_socket(*++words, plan) != 0) return NULL;
        } else if ((value = value_of(*words, "--socket")) != NULL) {
            if (parse_socket(value, plan) != 0) return NULL;
        } else if (strcmp(*words, "--help") == 0 || strcmp(*words, "-h") == 0) {
            exit(fputs(usage, stdout) < 0 || fflush(stdout) != 0 ? NOT_RUN : 0);
        } else if (strcmp(*words, "--version") == 0) {
            exit(printf("%s\n", rlimitd_version()) < 0 || fflush(stdout) != 0 ? NOT_RUN : 0);
        } else {
            note("there is no option \"%s\"%s; see \"rlimit-run --help\"", *words,
                 strcmp(*words, "--socket") == 0 ? " without a path" : "");
            return NULL;
        }
    }
    if (*words != NULL && strcmp(*words, "--") == 0) words++;
    return words;
}

static int parse_edit(const char *word, struct plan *plan) {
    struct rlimitd_error error;
    struct rlimitd_edit edit;
    if (rlimitd_edit_parse(word, &edit, &error) != 0) {
        note("%s", error.message);
        return -1;
    }
    for (size_t place = 0; place < plan->count; place++) {
        if (plan->edits[place].resource != edit.resource) continue;
        note("%s is given twice", rlimitd_resource_name(edit.resource));
        return -1;
    }
    plan->edits[plan->count++] = edit;
    return 0;
}

// The command is the first word without "=", or what follows "--"; nothing after it is looked at.
static int parse(char **words, struct plan *plan) {
    words = parse_options(words, plan);
    if (words == NULL) return -1;
    char **first = words;
    while (*words != NULL && strchr(*words, '=') != NULL && (*words)[0] != '-') words++;
    char **end = words;
    if (*words != NULL && strcmp(*words, "--") == 0) {
        words++;
    } else if (*words != NULL && (*words)[0] == '-' && (*words)[1] != '\0') {
        note("\"%s\" after RESOURCE=VALUE is neither; options of rlimit-run go before, and \"--\" before a command with a dash",
             *words);
        return -1;
    }
    plan->command = words;
    if (end == first) {
        note("rlimit-run needs at least one RESOURCE=VALUE, such as nofile=65536");
        return -1;
    }
    if (*words == NULL) {
        note("rlimit-run needs a command after RESOURCE=VALUE");
        return -1;
    }
    for (; first < end; first++) {
        if (parse_edit(*first, plan) != 0) return -1;
    }
    return 0;
}

// ---- What is done

static void note_changes(const struct rlimitd_change *changes, size_t count) {
    for (size_t place = 0; place < count; place++) {
        const char *name = rlimitd_resource_name(changes[place].resource);
        if (changes[place].shortfall != NULL) {
            note("%s has not all that was asked for: %s", name, changes[place].shortfall->message);
        }
        if (changes[place].warnings & RLIMITD_LIMITED_BY_USER_NAMESPACE) {
            note("%s: the user namespace that the process is in holds this limit down whatever it says", name);
        }
    }
}

static int make(struct rlimitd *agent, const struct plan *plan, const struct rlimitd_edit *edits, size_t count,
                struct rlimitd_error *error) {
    if (!plan->is_lease) {
        struct rlimitd_changes *changes;
        if (rlimitd_set(agent, NULL, edits, count, &changes, error) != 0) return -1;
        note_changes(changes->list, changes->count);
        rlimitd_free(changes);
        return 0;
    }
    struct rlimitd_lease *lease;
    if (rlimitd_lease(agent, NULL, edits, count, plan->lease_ms, &lease, error) != 0) return -1;
    if (plan->lease_ms == 0 && lease->remaining_ms > 0) {
        char text[64];
        note("the rule has leases renewed, which no command does: this one ends in %s",
             time_text(lease->remaining_ms, text));
    }
    note_changes(lease->changes, lease->count);
    rlimitd_free(lease);
    return 0;
}

// Whether somebody else said no, or nobody was there to say yes; else the edit itself makes no sense.
static bool is_refusal(const struct rlimitd_error *error) {
    return error->code != RLIMITD_INVALID_ARGUMENT && error->code != RLIMITD_INVALID_RESOURCE &&
           error->code != RLIMITD_SOFT_EXCEEDS_HARD;
}

// How many of the edits were made; -1 where the command is not to be run.
static int make_all(struct rlimitd *agent, const struct plan *plan, struct rlimitd_error *error) {
    if (!plan->is_optional) return make(agent, plan, plan->edits, plan->count, error) == 0 ? (int)plan->count : -1;
    int made = 0;
    // One by one, so that what is refused takes nothing else with it.
    for (size_t place = 0; place < plan->count; place++) {
        if (make(agent, plan, &plan->edits[place], 1, error) == 0) {
            made++;
        } else if (is_refusal(error)) {
            note("%s stays as it is: %s", rlimitd_resource_name(plan->edits[place].resource), error->message);
        } else {
            return -1;
        }
    }
    return made;
}

int main(int count, char **words) {
    struct plan plan = {0};
    struct rlimitd_error error;
    if (parse(words + (count > 0), &plan) != 0) return NOT_RUN;
    struct rlimitd *agent = rlimitd_open(&(struct rlimitd_options){.socket = plan.socket}, &error);
    int made = agent != NULL ? make_all(agent, &plan, &error) : -1;
    // A lease without a time lasts as long as the connection, which stays open in the command.
    if (made > 0 && plan.is_lease && plan.lease_ms == 0 && leave_connection_open(agent, &error) != 0) made = -1;
    if (made < 0) {
        note("%s", error.message);
        return NOT_RUN;
    }
    execvp(plan.command[0], plan.command);
    int number = errno;
    char text[64];
    note("cannot run \"%s\": execvp: %s", plan.command[0], text_of_errno(number, text, sizeof text));
    return number == ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}
