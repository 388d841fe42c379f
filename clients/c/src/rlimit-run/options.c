#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/procfs.h"
#include "message.h"

#define MAX_LEASE_DAYS 365

static const char usage[] =
    "usage: rlimit-run [--optional] [--lease [TIME]] [--socket PATH] RESOURCE=VALUE ... [--] COMMAND [ARG ...]\n"
    "\n"
    "Runs a command with changed limits. Asks the kernel first, and the agent where the kernel refuses.\n"
    "\n"
    "  nofile=65536        sets the soft limit, and raises the hard limit to it if that is below\n"
    "  nofile=1024:65536   sets both limits; SOFT: or :HARD sets one\n"
    "  as=unlimited  as=hard  nofile=max  memlock=64M  cpu=10m  nice=-10\n"
    "\n"
    "  --optional          print a message and continue if a limit is refused or no agent answers\n"
    "  --lease [TIME]      restore the limits after a time such as 30s, 10m, 1h or 7d;\n"
    "                      without a time, when the command ends\n"
    "  --socket PATH       the agent's socket; default: RLIMITD_SOCKET, else /run/rlimitd/rlimitd.sock\n"
    "  --help, --version\n"
    "\n"
    "Exit status: that of the command; 125 if it was not started, 126 if it cannot be executed, 127 if it was not\n"
    "found.\n";

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
        print_message("--lease needs a time such as \"30s\", \"10m\", \"1h\" or \"7d\", not \"%.200s\"", text);
        return -1;
    }
    if (number > (uint64_t)MAX_LEASE_DAYS * 86400 / factor) {
        print_message("--lease %s: a lease lasts at most %dd", text, MAX_LEASE_DAYS);
        return -1;
    }
    *milliseconds = number * factor * 1000;
    return 0;
}

// The value of an argument "--option=value"; NULL for any other argument.
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

// Returns the arguments behind the options; NULL after a message.
static char **parse_option_words(char **arguments, struct run_options *options) {
    for (; *arguments != NULL && (*arguments)[0] == '-' && strcmp(*arguments, "--") != 0; arguments++) {
        const char *value;
        if (strcmp(*arguments, "--optional") == 0) {
            options->is_optional = true;
        } else if (strcmp(*arguments, "--lease") == 0) {
            options->is_lease = true;
            // The next argument is the time, unless it is an edit, an option or missing.
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

// The command is the first argument without "=", or what follows "--". Its own arguments are not parsed.
int parse_options(char **arguments, struct run_options *options) {
    arguments = parse_option_words(arguments, options);
    if (arguments == NULL) return -1;
    char **first = arguments;
    while (*arguments != NULL && strchr(*arguments, '=') != NULL && (*arguments)[0] != '-') arguments++;
    char **end = arguments;
    if (*arguments != NULL && strcmp(*arguments, "--") == 0) {
        arguments++;
    } else if (*arguments != NULL && (*arguments)[0] == '-' && (*arguments)[1] != '\0') {
        print_message("\"%s\" is neither RESOURCE=VALUE nor a command; put options of rlimit-run before RESOURCE=VALUE, "
                      "and \"--\" before a command that begins with \"-\"",
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
