// The adapter of this client for ../conformance: a line of JSON asks, and a line of JSON answers, by calls of rlimitd.h alone.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "json.h"
#include "rlimitd.h"

#define MANY 64

// A request that was read, and the error of what cannot be said in C.
struct reading {
    struct rlimitd *agent;
    struct rlimitd_error error;
    struct rlimitd_target target;
    bool has_target;
    int pidfd;
    int resources[MANY];
    size_t resource_count;
    struct rlimitd_edit edits[MANY];
    size_t edit_count;
};

static int fail(struct reading *reading, enum rlimitd_code code, const char *message) {
    int number = code == RLIMITD_NO_SUCH_PROCESS ? ESRCH : EINVAL;
    reading->error = (struct rlimitd_error){.code = code, .error_number = number, .resource = -1, .edit_index = -1};
    snprintf(reading->error.message, sizeof reading->error.message, "%s", message);
    return -1;
}

// ---- Reading

static int read_bound(struct reading *reading, const struct json *value, uint64_t *bound) {
    if (value != NULL && value->kind == JSON_TEXT && strcmp(value->text, "unlimited") == 0) {
        *bound = RLIMITD_INFINITY;
        return 0;
    }
    if (value == NULL || value->kind != JSON_NUMBER || value->is_negative) {
        return fail(reading, RLIMITD_INVALID_ARGUMENT, "a bound is a whole number of 64 bits, or unlimited");
    }
    *bound = value->number;
    return 0;
}

static int read_limit(struct reading *reading, const struct json *value, struct rlimitd_limit *limit) {
    bool is_pair = value != NULL && value->kind == JSON_LIST && value->first != NULL && value->first->next != NULL &&
                   value->first->next->next == NULL;
    if (!is_pair) return fail(reading, RLIMITD_INVALID_ARGUMENT, "a limit has a soft and a hard half");
    return read_bound(reading, value->first, &limit->soft) != 0 ? -1
                                                                : read_bound(reading, value->first->next, &limit->hard);
}

static int read_number(struct reading *reading, const struct json *value, uint64_t most, uint64_t *number) {
    *number = 0;
    if (value == NULL) return 0;
    if (value->kind != JSON_NUMBER || value->is_negative || value->number > most) {
        return fail(reading, RLIMITD_INVALID_ARGUMENT, "a number that is out of range");
    }
    *number = value->number;
    return 0;
}

static int read_resource(struct reading *reading, const struct json *value, int *resource) {
    if (value == NULL || value->kind != JSON_TEXT) return fail(reading, RLIMITD_INVALID_RESOURCE, "no resource is named");
    *resource = rlimitd_resource_by_name(value->text, &reading->error);
    return *resource < 0 ? -1 : 0;
}

static int read_resources(struct reading *reading, const struct json *list) {
    reading->resource_count = 0;
    for (const struct json *name = list != NULL ? list->first : NULL; name != NULL; name = name->next) {
        if (reading->resource_count == MANY) return fail(reading, RLIMITD_INVALID_ARGUMENT, "too many resources");
        if (read_resource(reading, name, &reading->resources[reading->resource_count++]) != 0) return -1;
    }
    return 0;
}

static int read_pid(struct reading *reading, const struct json *value, pid_t *pid) {
    if (value->kind != JSON_NUMBER || value->number > INT32_MAX) {
        return fail(reading, RLIMITD_INVALID_ARGUMENT, "a process id is a number of 32 bits");
    }
    *pid = value->is_negative ? -(pid_t)value->number : (pid_t)value->number;
    return 0;
}

static int read_target(struct reading *reading, const struct json *on) {
    if (reading->pidfd >= 0) close(reading->pidfd);
    reading->pidfd = -1;
    reading->has_target = on != NULL;
    reading->target = (struct rlimitd_target){.kind = RLIMITD_SELF};
    const struct json *value;
    pid_t pid;
    if ((value = json_member(on, "pid")) != NULL) {
        if (read_pid(reading, value, &pid) != 0) return -1;
        reading->target = rlimitd_process(pid);
    } else if ((value = json_member(on, "pidfd")) != NULL) {
        if (read_pid(reading, value, &pid) != 0) return -1;
        reading->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (reading->pidfd < 0) {
            return errno == ESRCH ? fail(reading, RLIMITD_NO_SUCH_PROCESS, "there is no such process to make a pidfd of")
                                  : fail(reading, RLIMITD_INVALID_ARGUMENT, "no pidfd can be made of that");
        }
        reading->target = rlimitd_pidfd(reading->pidfd);
    } else if ((value = json_member(on, "cgroup")) != NULL && value->kind == JSON_TEXT) {
        reading->target = rlimitd_cgroup(value->text);
    } else if ((value = json_member(on, "pod")) != NULL && value->kind == JSON_TEXT) {
        reading->target = rlimitd_pod(value->text);
    } else if (on != NULL) {
        return fail(reading, RLIMITD_INVALID_ARGUMENT, "that is no target");
    }
    return 0;
}

static int read_half(struct reading *reading, const struct json *value, struct rlimitd_value *half) {
    if (value == NULL) return 0;
    half->kind = RLIMITD_NUMBER;
    return read_bound(reading, value, &half->number);
}

static int read_edit(struct reading *reading, const struct json *value, struct rlimitd_edit *edit) {
    static const char *const modes[] = {"exact", "at_least", "clamp"};
    *edit = (struct rlimitd_edit){0};
    if (read_resource(reading, json_member(value, "resource"), &edit->resource) != 0) return -1;
    if (read_half(reading, json_member(value, "soft"), &edit->soft) != 0) return -1;
    if (read_half(reading, json_member(value, "hard"), &edit->hard) != 0) return -1;
    const struct json *mode = json_member(value, "mode"), *expect = json_member(value, "expect");
    int found = mode == NULL ? 0 : -1;
    for (int place = 0; place < 3 && mode != NULL && mode->kind == JSON_TEXT; place++) {
        if (strcmp(mode->text, modes[place]) == 0) found = place;
    }
    if (found < 0) return fail(reading, RLIMITD_INVALID_ARGUMENT, "that is no mode of an edit");
    edit->mode = (enum rlimitd_mode)found;
    edit->has_expect = expect != NULL;
    return expect != NULL ? read_limit(reading, expect, &edit->expect) : 0;
}

static int read_edits(struct reading *reading, const struct json *list) {
    reading->edit_count = 0;
    for (const struct json *value = list != NULL ? list->first : NULL; value != NULL; value = value->next) {
        if (reading->edit_count == MANY) return fail(reading, RLIMITD_INVALID_ARGUMENT, "too many edits");
        if (read_edit(reading, value, &reading->edits[reading->edit_count]) != 0) {
            reading->error.edit_index = (int)reading->edit_count;
            return -1;
        }
        reading->edit_count++;
    }
    return 0;
}

static int read_scope(struct reading *reading, const struct json *request, enum rlimitd_scope *scope, pid_t *thread) {
    static const char *const scopes[] = {"process", "children", "both", "thread"};
    const struct json *name = json_member(request, "scope"), *number = json_member(request, "thread");
    int found = name == NULL ? 0 : -1;
    for (int place = 0; place < 4 && name != NULL && name->kind == JSON_TEXT; place++) {
        if (strcmp(name->text, scopes[place]) == 0) found = place;
    }
    if (found < 0) return fail(reading, RLIMITD_INVALID_ARGUMENT, "that is no scope of usage");
    *scope = (enum rlimitd_scope)found;
    *thread = 0;
    return number != NULL ? read_pid(reading, number, thread) : 0;
}

static int read_lease_id(struct reading *reading, const struct json *value, struct rlimitd_lease_id *id) {
    if (value != NULL && value->kind == JSON_TEXT && rlimitd_lease_id_parse(value->text, id) == 0) return 0;
    return fail(reading, RLIMITD_INVALID_ARGUMENT, "the name of a lease has 1 to 64 bytes in hexadecimal digits");
}

// ---- Writing

static bool is_first;

static void begin_object(void) {
    putchar('{');
    is_first = true;
}

static void end_object(void) {
    putchar('}');
    is_first = false;
}

static void name(const char *text) {
    if (!is_first) putchar(',');
    is_first = false;
    json_print_text(stdout, text, strlen(text));
    putchar(':');
}

static void write_text(const char *text) { json_print_text(stdout, text, strlen(text)); }
static void write_number(uint64_t number) { printf("%" PRIu64, number); }
static void write_bool(bool value) { fputs(value ? "true" : "false", stdout); }

static void write_bound(uint64_t bound) {
    if (bound == RLIMITD_INFINITY) {
        write_text("unlimited");
    } else {
        write_number(bound);
    }
}

static void write_limit(struct rlimitd_limit limit) {
    putchar('[');
    write_bound(limit.soft);
    putchar(',');
    write_bound(limit.hard);
    putchar(']');
}

static void member_text(const char *key, const char *text) {
    if (text == NULL) return;
    name(key);
    write_text(text);
}

static void member_number(const char *key, uint64_t number) {
    name(key);
    write_number(number);
}

static void member_limit(const char *key, bool has, struct rlimitd_limit limit) {
    if (!has) return;
    name(key);
    write_limit(limit);
}

static void write_error(const struct rlimitd_error *error) {
    begin_object();
    member_text("code", rlimitd_code_name(error->code));
    member_text("errno", strerrorname_np(error->error_number));
    member_text("message", error->message);
    if (error->resource >= 0) member_text("resource", rlimitd_resource_name(error->resource));
    if (error->edit_index >= 0) member_number("edit", (uint64_t)error->edit_index);
    if (error->rule[0] != '\0') member_text("rule", error->rule);
    member_limit("allowed", error->has_allowed, error->allowed);
    if (error->retry_after_ms > 0) member_number("retry_after_ms", error->retry_after_ms);
    end_object();
}

static void write_limits(const struct rlimitd_limits *limits) {
    begin_object();
    for (int resource = 0; resource < RLIMITD_RESOURCES; resource++) {
        member_limit(rlimitd_resource_name(resource), limits->known >> resource & 1, limits->of[resource]);
    }
    end_object();
}

static void write_changes(const struct rlimitd_change *changes, size_t count) {
    putchar('[');
    for (size_t place = 0; place < count; place++) {
        const struct rlimitd_change *change = &changes[place];
        if (place > 0) putchar(',');
        begin_object();
        member_text("resource", rlimitd_resource_name(change->resource));
        member_limit("old", true, change->before);
        member_limit("new", true, change->after);
        name("granted_by");
        if (change->by_agent) {
            begin_object();
            member_text("rule", change->rule != NULL ? change->rule : "");
            end_object();
        } else {
            write_text("kernel");
        }
        if (change->warnings & RLIMITD_LIMITED_BY_USER_NAMESPACE) {
            name("warnings");
            fputs("[\"LIMITED_BY_USER_NAMESPACE\"]", stdout);
        }
        if (change->shortfall != NULL) {
            name("shortfall");
            write_error(change->shortfall);
        }
        end_object();
    }
    putchar(']');
    is_first = false;
}

static void write_usage(const struct rlimitd_usage *usage) {
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"user_time_us", usage->user_time_us}, {"system_time_us", usage->system_time_us},
        {"max_resident_bytes", usage->max_resident_bytes}, {"shared_text_bytes", usage->shared_text_bytes},
        {"unshared_data_bytes", usage->unshared_data_bytes}, {"unshared_stack_bytes", usage->unshared_stack_bytes},
        {"minor_faults", usage->minor_faults}, {"major_faults", usage->major_faults}, {"swaps", usage->swaps},
        {"block_inputs", usage->block_inputs}, {"block_outputs", usage->block_outputs},
        {"messages_sent", usage->messages_sent}, {"messages_received", usage->messages_received},
        {"signals_received", usage->signals_received},
        {"voluntary_context_switches", usage->voluntary_context_switches},
        {"involuntary_context_switches", usage->involuntary_context_switches},
    };
    begin_object();
    for (size_t place = 0; place < sizeof fields / sizeof *fields; place++) {
        if (usage->known >> place & 1) member_number(fields[place].name, fields[place].value);
    }
    if (usage->partial) {
        name("partial");
        write_bool(true);
    }
    if (usage->in_use_known == 0) {
        end_object();
        return;
    }
    name("in_use");
    begin_object();
    for (int resource = 0; resource < RLIMITD_RESOURCES; resource++) {
        if (usage->in_use_known >> resource & 1) member_number(rlimitd_resource_name(resource), usage->in_use[resource]);
    }
    end_object();
    end_object();
}

static void write_lease(const struct rlimitd_lease *lease) {
    char id[RLIMITD_LEASE_TEXT_SIZE];
    rlimitd_lease_id_text(&lease->id, id);
    begin_object();
    member_text("id", id);
    if (lease->pid > 0) member_number("pid", lease->pid);
    name("changes");
    write_changes(lease->changes, lease->count);
    if (lease->remaining_ms > 0) member_number("remaining_ms", lease->remaining_ms);
    member_text("rule", lease->rule);
    end_object();
}

static void write_explanation(const struct rlimitd_explanation *explanation) {
    begin_object();
    name("allowed");
    write_bool(explanation->allowed);
    member_text("rule", explanation->rule);
    if (explanation->error != NULL) {
        name("error");
        write_error(explanation->error);
    }
    name("verdicts");
    putchar('[');
    for (size_t place = 0; place < explanation->count; place++) {
        const struct rlimitd_verdict *verdict = &explanation->verdicts[place];
        if (place > 0) putchar(',');
        begin_object();
        member_text("resource", rlimitd_resource_name(verdict->resource));
        member_limit("now", verdict->has_now, verdict->now);
        member_limit("most", verdict->has_most, verdict->most);
        member_text("rule", verdict->rule);
        member_limit("new", verdict->has_after, verdict->after);
        if (verdict->error != NULL) {
            name("error");
            write_error(verdict->error);
        }
        end_object();
    }
    putchar(']');
    end_object();
}

static void write_processes(const struct rlimitd_processes *processes) {
    name("processes");
    putchar('[');
    for (size_t place = 0; place < processes->count; place++) {
        const struct rlimitd_process *process = &processes->list[place];
        if (place > 0) putchar(',');
        begin_object();
        if (process->pid > 0) member_number("pid", process->pid);
        if (process->limits != NULL) name("limits"), write_limits(process->limits);
        if (process->changes != NULL) name("changes"), write_changes(process->changes->list, process->changes->count);
        if (process->usage != NULL) name("usage"), write_usage(process->usage);
        if (process->error != NULL) name("error"), write_error(process->error);
        end_object();
    }
    putchar(']');
    is_first = false;
    name("incomplete");
    write_bool(processes->incomplete);
}

static void write_server_info(const struct rlimitd_server_info *info) {
    begin_object();
    member_text("version", info->version);
    member_text("kernel", info->kernel);
    name("features");
    putchar('[');
    for (size_t place = 0; place < info->feature_count; place++) {
        if (place > 0) putchar(',');
        write_text(info->features[place]);
    }
    putchar(']');
    member_number("nr_open", info->nr_open);
    name("can_raise");
    write_bool(info->can_raise);
    member_text("policy", info->policy);
    name("caller");
    begin_object();
    if (info->caller.pid > 0) member_number("pid", info->caller.pid);
    member_number("uid", info->caller.uid);
    member_number("gid", info->caller.gid);
    name("groups");
    putchar('[');
    for (size_t place = 0; place < info->caller.group_count; place++) {
        printf("%s%" PRIu32, place > 0 ? "," : "", info->caller.groups[place]);
    }
    putchar(']');
    name("pinned");
    write_bool(info->caller.pinned);
    if (info->caller.namespace_depth > 0) member_number("namespace_depth", info->caller.namespace_depth);
    if (info->caller.cgroup != NULL) {
        name("cgroup");
        json_print_text(stdout, info->caller.cgroup, info->caller.cgroup_length);
    }
    member_text("label", info->caller.label);
    name("mixed_ids");
    write_bool(info->caller.mixed_ids);
    end_object();
    end_object();
}

// ---- Asking

static const struct rlimitd_target *target_of(const struct reading *reading) {
    return reading->has_target ? &reading->target : NULL;
}

static bool is_many(const struct reading *reading) {
    return reading->has_target && (reading->target.kind == RLIMITD_CGROUP || reading->target.kind == RLIMITD_POD);
}

static int do_get(struct reading *reading, const struct json *request) {
    struct rlimitd_limits limits;
    struct rlimitd_processes *processes;
    if (read_target(reading, json_member(request, "on")) != 0) return -1;
    if (read_resources(reading, json_member(request, "resources")) != 0) return -1;
    if (is_many(reading)) {
        if (rlimitd_get_each(reading->agent, target_of(reading), reading->resources, reading->resource_count, &processes,
                             &reading->error) != 0) {
            return -1;
        }
        write_processes(processes);
        rlimitd_free(processes);
        return 0;
    }
    if (rlimitd_get(reading->agent, target_of(reading), reading->resources, reading->resource_count, &limits,
                    &reading->error) != 0) {
        return -1;
    }
    name("limits");
    write_limits(&limits);
    return 0;
}

static int do_lease(struct reading *reading, const struct json *lease_json) {
    struct rlimitd_lease *lease;
    char id[RLIMITD_LEASE_TEXT_SIZE];
    uint64_t duration;
    if (read_number(reading, json_member(lease_json, "duration_ms"), UINT64_MAX, &duration) != 0) return -1;
    if (rlimitd_lease(reading->agent, target_of(reading), reading->edits, reading->edit_count, duration, &lease,
                      &reading->error) != 0) {
        return -1;
    }
    rlimitd_lease_id_text(&lease->id, id);
    name("changes");
    write_changes(lease->changes, lease->count);
    member_text("lease", id);
    if (lease->remaining_ms > 0) member_number("remaining_ms", lease->remaining_ms);
    rlimitd_free(lease);
    return 0;
}

static int do_set(struct reading *reading, const struct json *request) {
    struct rlimitd_changes *changes;
    struct rlimitd_processes *processes;
    const struct json *lease = json_member(request, "lease");
    if (read_target(reading, json_member(request, "on")) != 0) return -1;
    if (read_edits(reading, json_member(request, "edits")) != 0) return -1;
    if (lease != NULL) return do_lease(reading, lease);
    if (is_many(reading)) {
        if (rlimitd_set_each(reading->agent, target_of(reading), reading->edits, reading->edit_count, &processes,
                             &reading->error) != 0) {
            return -1;
        }
        write_processes(processes);
        rlimitd_free(processes);
        return 0;
    }
    if (rlimitd_set(reading->agent, target_of(reading), reading->edits, reading->edit_count, &changes, &reading->error) !=
        0) {
        return -1;
    }
    name("changes");
    write_changes(changes->list, changes->count);
    rlimitd_free(changes);
    return 0;
}

static int do_raise(struct reading *reading, const struct json *request) {
    struct rlimitd_changes *changes;
    int resource;
    uint64_t to;
    if (read_target(reading, json_member(request, "on")) != 0) return -1;
    if (read_resource(reading, json_member(request, "resource"), &resource) != 0) return -1;
    if (read_bound(reading, json_member(request, "to"), &to) != 0) return -1;
    struct rlimitd_edit edit = rlimitd_edit_raise(resource, to);
    if (rlimitd_set(reading->agent, target_of(reading), &edit, 1, &changes, &reading->error) != 0) return -1;
    member_limit("raised", true, changes->list[0].after);
    rlimitd_free(changes);
    return 0;
}

static int do_prlimit(struct reading *reading, const struct json *request) {
    int resource;
    struct rlimitd_limit wanted, old;
    const struct json *limit = json_member(request, "limit");
    if (read_target(reading, json_member(request, "on")) != 0) return -1;
    if (read_resource(reading, json_member(request, "resource"), &resource) != 0) return -1;
    if (limit != NULL && read_limit(reading, limit, &wanted) != 0) return -1;
    if (rlimitd_prlimit(reading->agent, target_of(reading), resource, limit != NULL ? &wanted : NULL, &old,
                        &reading->error) != 0) {
        return -1;
    }
    member_limit("prlimit", true, old);
    return 0;
}

static int do_usage(struct reading *reading, const struct json *request) {
    enum rlimitd_scope scope;
    pid_t thread;
    struct rlimitd_usage usage;
    struct rlimitd_processes *processes;
    if (read_target(reading, json_member(request, "on")) != 0) return -1;
    if (read_scope(reading, request, &scope, &thread) != 0) return -1;
    if (is_many(reading) && scope != RLIMITD_OF_THREAD) {
        if (rlimitd_usage_each(reading->agent, target_of(reading), scope, &processes, &reading->error) != 0) return -1;
        write_processes(processes);
        rlimitd_free(processes);
        return 0;
    }
    if (rlimitd_usage(reading->agent, target_of(reading), scope, thread, &usage, &reading->error) != 0) return -1;
    name("usage");
    write_usage(&usage);
    return 0;
}

static int do_explain(struct reading *reading, const struct json *request) {
    const struct json *of = json_member(request, "of"), *what = json_member(of, "do"), *lease = json_member(of, "lease");
    struct rlimitd_limit wanted;
    struct rlimitd_explanation *explanation;
    const char *operation = what != NULL && what->kind == JSON_TEXT ? what->text : "";
    struct rlimitd_question question = {.edits = reading->edits, .resources = reading->resources};
    if (read_target(reading, json_member(of, "on")) != 0) return -1;
    question.target = target_of(reading);
    if (strcmp(operation, "get") == 0) {
        question.operation = RLIMITD_GET;
        if (read_resources(reading, json_member(of, "resources")) != 0) return -1;
        question.resource_count = reading->resource_count;
    } else if (strcmp(operation, "set") == 0) {
        question.operation = RLIMITD_SET;
        question.is_lease = lease != NULL;
        if (read_number(reading, json_member(lease, "duration_ms"), UINT64_MAX, &question.lease_ms) != 0) return -1;
        if (read_edits(reading, json_member(of, "edits")) != 0) return -1;
        question.edit_count = reading->edit_count;
    } else if (strcmp(operation, "prlimit") == 0) {
        question.operation = RLIMITD_PRLIMIT;
        if (read_resource(reading, json_member(of, "resource"), &question.resource) != 0) return -1;
        const struct json *limit = json_member(of, "limit");
        if (limit != NULL && read_limit(reading, limit, &wanted) != 0) return -1;
        question.new_limit = limit != NULL ? &wanted : NULL;
    } else if (strcmp(operation, "usage") == 0) {
        question.operation = RLIMITD_USAGE;
        if (read_scope(reading, of, &question.scope, &question.thread) != 0) return -1;
    } else {
        return fail(reading, RLIMITD_INVALID_ARGUMENT, "that cannot be explained");
    }
    if (rlimitd_explain(reading->agent, &question, &explanation, &reading->error) != 0) return -1;
    name("explanation");
    write_explanation(explanation);
    rlimitd_free(explanation);
    return 0;
}

static int do_renew(struct reading *reading, const struct json *request) {
    struct rlimitd_lease_id id;
    struct rlimitd_lease *lease;
    uint64_t duration;
    if (read_lease_id(reading, json_member(request, "lease"), &id) != 0) return -1;
    if (read_number(reading, json_member(request, "duration_ms"), UINT64_MAX, &duration) != 0) return -1;
    if (rlimitd_lease_renew(reading->agent, &id, duration, &lease, &reading->error) != 0) return -1;
    name("renewed");
    write_lease(lease);
    rlimitd_free(lease);
    return 0;
}

static int do_release(struct reading *reading, const struct json *request) {
    static const char *const outcomes[] = {
        "UNSPECIFIED", "RESTORED", "HELD_BY_ANOTHER_LEASE", "CHANGED_BY_TARGET", "IDENTITY_CHANGED", "PROCESS_ENDED"};
    struct rlimitd_lease_id id;
    struct rlimitd_restorations *restorations;
    if (read_lease_id(reading, json_member(request, "lease"), &id) != 0) return -1;
    if (rlimitd_lease_release(reading->agent, &id, &restorations, &reading->error) != 0) return -1;
    name("restorations");
    putchar('[');
    for (size_t place = 0; place < restorations->count; place++) {
        const struct rlimitd_restoration *restoration = &restorations->list[place];
        if (place > 0) putchar(',');
        begin_object();
        member_text("resource", rlimitd_resource_name(restoration->resource));
        member_text("outcome", outcomes[restoration->outcome]);
        member_limit("limit", restoration->has_limit, restoration->limit);
        end_object();
    }
    putchar(']');
    rlimitd_free(restorations);
    return 0;
}

static int do_lease_list(struct reading *reading, const struct json *request) {
    (void)request;
    struct rlimitd_leases *leases;
    if (rlimitd_lease_list(reading->agent, &leases, &reading->error) != 0) return -1;
    name("leases");
    putchar('[');
    for (size_t place = 0; place < leases->count; place++) {
        if (place > 0) putchar(',');
        write_lease(&leases->list[place]);
    }
    putchar(']');
    rlimitd_free(leases);
    return 0;
}

static int do_server_info(struct reading *reading, const struct json *request) {
    (void)request;
    struct rlimitd_server_info *info;
    if (rlimitd_server_info(reading->agent, &info, &reading->error) != 0) return -1;
    name("server_info");
    write_server_info(info);
    rlimitd_free(info);
    return 0;
}

static int do_stats(struct reading *reading, const struct json *request) {
    (void)request;
    struct rlimitd_stats stats;
    if (rlimitd_stats(reading->agent, &stats, &reading->error) != 0) return -1;
    name("stats");
    begin_object();
    member_number("connections", stats.connections);
    member_number("connections_total", stats.connections_total);
    member_number("requests_total", stats.requests_total);
    member_number("changes_total", stats.changes_total);
    member_number("refusals_total", stats.refusals_total);
    member_number("faults_total", stats.faults_total);
    member_number("leases", stats.leases);
    member_number("uptime_ms", stats.uptime_ms);
    end_object();
    return 0;
}

static int dispatch(struct reading *reading, const struct json *request) {
    static const struct {
        const char *name;
        int (*run)(struct reading *reading, const struct json *request);
    } operations[] = {
        {"get", do_get}, {"set", do_set}, {"prlimit", do_prlimit}, {"usage", do_usage}, {"explain", do_explain},
        {"raise", do_raise}, {"lease_renew", do_renew}, {"lease_release", do_release}, {"lease_list", do_lease_list},
        {"server_info", do_server_info}, {"stats", do_stats},
    };
    const struct json *what = json_member(request, "do"), *only = json_member(request, "agent_only");
    uint64_t timeout;
    const struct json *time = json_member(request, "timeout_ms");
    if (read_number(reading, time, UINT64_MAX, &timeout) != 0) return -1;
    // In C 0 is the usual one, and seven weeks are the longest.
    if (time != NULL && timeout == 0) timeout = RLIMITD_NO_TIME;
    else if (timeout >= RLIMITD_NO_TIME) timeout = RLIMITD_NO_TIME - 1;
    if (rlimitd_configure(reading->agent, (uint32_t)timeout, only != NULL && only->is_true ? RLIMITD_AGENT_ONLY : 0) != 0) {
        return fail(reading, RLIMITD_INVALID_ARGUMENT, "that is no timeout");
    }
    for (size_t place = 0; place < sizeof operations / sizeof *operations && what != NULL; place++) {
        if (what->kind == JSON_TEXT && strcmp(what->text, operations[place].name) == 0) {
            return operations[place].run(reading, request);
        }
    }
    return fail(reading, RLIMITD_INVALID_ARGUMENT, "that cannot be done");
}

int main(void) {
    struct reading reading = {.pidfd = -1};
    reading.agent = rlimitd_open(NULL, &reading.error);
    if (reading.agent == NULL) return 1;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        struct json *request = json_parse(line);
        begin_object();
        int value = request != NULL ? dispatch(&reading, request)
                                    : fail(&reading, RLIMITD_INVALID_ARGUMENT, "that is no JSON");
        if (value != 0) {
            name("error");
            write_error(&reading.error);
        }
        end_object();
        putchar('\n');
        fflush(stdout);
        json_free(request);
    }
    free(line);
    if (reading.pidfd >= 0) close(reading.pidfd);
    rlimitd_close(reading.agent);
    return 0;
}
