// The adapter of this client for ../conformance: a line of JSON asks, and a line of JSON answers, by calls of rlimitd.h alone.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "json.h"
#include "rlimitd.h"

#define MAX_ITEMS 64

// A request that was read, and the error of what cannot be said in C.
struct adapter {
    struct rlimitd *agent;
    struct rlimitd_error error;
    struct rlimitd_target target;
    bool has_target;
    int pidfd;
    int resources[MAX_ITEMS];
    size_t resource_count;
    struct rlimitd_edit edits[MAX_ITEMS];
    size_t edit_count;
};

static int fail(struct adapter *adapter, enum rlimitd_code code, const char *message) {
    int number = code == RLIMITD_NO_SUCH_PROCESS ? ESRCH : EINVAL;
    adapter->error = (struct rlimitd_error){.code = code, .error_number = number, .resource = -1, .edit_index = -1};
    snprintf(adapter->error.message, sizeof adapter->error.message, "%s", message);
    return -1;
}

// ---- Reading

static int read_bound(struct adapter *adapter, const struct json *value, uint64_t *bound) {
    if (value != NULL && value->kind == JSON_TEXT && strcmp(value->text, "unlimited") == 0) {
        *bound = RLIMITD_INFINITY;
        return 0;
    }
    if (value == NULL || value->kind != JSON_NUMBER || value->is_negative) {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "a bound is a whole number of 64 bits, or unlimited");
    }
    *bound = value->number;
    return 0;
}

static int read_limit(struct adapter *adapter, const struct json *value, struct rlimitd_limit *limit) {
    bool is_pair = value != NULL && value->kind == JSON_LIST && value->first != NULL && value->first->next != NULL &&
                   value->first->next->next == NULL;
    if (!is_pair) return fail(adapter, RLIMITD_INVALID_ARGUMENT, "a limit has a soft and a hard half");
    return read_bound(adapter, value->first, &limit->soft) != 0 ? -1
                                                                : read_bound(adapter, value->first->next, &limit->hard);
}

static int read_number(struct adapter *adapter, const struct json *value, uint64_t max, uint64_t *number) {
    *number = 0;
    if (value == NULL) return 0;
    if (value->kind != JSON_NUMBER || value->is_negative || value->number > max) {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "a number that is out of range");
    }
    *number = value->number;
    return 0;
}

static int read_resource(struct adapter *adapter, const struct json *value, int *resource) {
    if (value == NULL || value->kind != JSON_TEXT) return fail(adapter, RLIMITD_INVALID_RESOURCE, "no resource is named");
    *resource = rlimitd_resource_by_name(value->text, &adapter->error);
    return *resource < 0 ? -1 : 0;
}

static int read_resources(struct adapter *adapter, const struct json *list) {
    adapter->resource_count = 0;
    for (const struct json *name = list != NULL ? list->first : NULL; name != NULL; name = name->next) {
        if (adapter->resource_count == MAX_ITEMS) return fail(adapter, RLIMITD_INVALID_ARGUMENT, "too many resources");
        if (read_resource(adapter, name, &adapter->resources[adapter->resource_count++]) != 0) return -1;
    }
    return 0;
}

static int read_pid(struct adapter *adapter, const struct json *value, pid_t *pid) {
    if (value->kind != JSON_NUMBER || value->number > INT32_MAX) {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "a process id is a number of 32 bits");
    }
    *pid = value->is_negative ? -(pid_t)value->number : (pid_t)value->number;
    return 0;
}

static int read_target(struct adapter *adapter, const struct json *on) {
    if (adapter->pidfd >= 0) close(adapter->pidfd);
    adapter->pidfd = -1;
    adapter->has_target = on != NULL;
    adapter->target = (struct rlimitd_target){.kind = RLIMITD_SELF};
    const struct json *value;
    pid_t pid;
    if ((value = json_member(on, "pid")) != NULL) {
        if (read_pid(adapter, value, &pid) != 0) return -1;
        adapter->target = rlimitd_process(pid);
    } else if ((value = json_member(on, "pidfd")) != NULL) {
        if (read_pid(adapter, value, &pid) != 0) return -1;
        adapter->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (adapter->pidfd < 0) {
            return errno == ESRCH ? fail(adapter, RLIMITD_NO_SUCH_PROCESS, "there is no such process to make a pidfd of")
                                  : fail(adapter, RLIMITD_INVALID_ARGUMENT, "no pidfd can be made of that");
        }
        adapter->target = rlimitd_pidfd(adapter->pidfd);
    } else if ((value = json_member(on, "cgroup")) != NULL && value->kind == JSON_TEXT) {
        adapter->target = rlimitd_cgroup(value->text);
    } else if ((value = json_member(on, "pod")) != NULL && value->kind == JSON_TEXT) {
        adapter->target = rlimitd_pod(value->text);
    } else if (on != NULL) {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that is no target");
    }
    return 0;
}

static int read_half(struct adapter *adapter, const struct json *value, struct rlimitd_value *half) {
    if (value == NULL) return 0;
    half->kind = RLIMITD_NUMBER;
    return read_bound(adapter, value, &half->number);
}

static int read_edit(struct adapter *adapter, const struct json *value, struct rlimitd_edit *edit) {
    static const char *const modes[] = {"exact", "at_least", "clamp"};
    *edit = (struct rlimitd_edit){0};
    if (read_resource(adapter, json_member(value, "resource"), &edit->resource) != 0) return -1;
    if (read_half(adapter, json_member(value, "soft"), &edit->soft) != 0) return -1;
    if (read_half(adapter, json_member(value, "hard"), &edit->hard) != 0) return -1;
    const struct json *mode = json_member(value, "mode"), *expect = json_member(value, "expect");
    int found = mode == NULL ? 0 : -1;
    for (int i = 0; i < 3 && mode != NULL && mode->kind == JSON_TEXT; i++) {
        if (strcmp(mode->text, modes[i]) == 0) found = i;
    }
    if (found < 0) return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that is no mode of an edit");
    edit->mode = (enum rlimitd_mode)found;
    edit->has_expect = expect != NULL;
    return expect != NULL ? read_limit(adapter, expect, &edit->expect) : 0;
}

static int read_edits(struct adapter *adapter, const struct json *list) {
    adapter->edit_count = 0;
    for (const struct json *value = list != NULL ? list->first : NULL; value != NULL; value = value->next) {
        if (adapter->edit_count == MAX_ITEMS) return fail(adapter, RLIMITD_INVALID_ARGUMENT, "too many edits");
        if (read_edit(adapter, value, &adapter->edits[adapter->edit_count]) != 0) {
            adapter->error.edit_index = (int)adapter->edit_count;
            return -1;
        }
        adapter->edit_count++;
    }
    return 0;
}

static int read_scope(struct adapter *adapter, const struct json *request, enum rlimitd_scope *scope, pid_t *thread) {
    static const char *const scopes[] = {"process", "children", "both", "thread"};
    const struct json *name = json_member(request, "scope"), *number = json_member(request, "thread");
    int found = name == NULL ? 0 : -1;
    for (int i = 0; i < 4 && name != NULL && name->kind == JSON_TEXT; i++) {
        if (strcmp(name->text, scopes[i]) == 0) found = i;
    }
    if (found < 0) return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that is no scope of usage");
    *scope = (enum rlimitd_scope)found;
    *thread = 0;
    return number != NULL ? read_pid(adapter, number, thread) : 0;
}

static int read_lease_id(struct adapter *adapter, const struct json *value, struct rlimitd_lease_id *id) {
    if (value != NULL && value->kind == JSON_TEXT && rlimitd_lease_id_parse(value->text, id) == 0) return 0;
    return fail(adapter, RLIMITD_INVALID_ARGUMENT, "the name of a lease has 1 to 64 bytes in hexadecimal digits");
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

static void write_key(const char *text) {
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
    write_key(key);
    write_text(text);
}

static void member_number(const char *key, uint64_t number) {
    write_key(key);
    write_number(number);
}

static void member_limit(const char *key, bool has, struct rlimitd_limit limit) {
    if (!has) return;
    write_key(key);
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
    for (size_t i = 0; i < count; i++) {
        const struct rlimitd_change *change = &changes[i];
        if (i > 0) putchar(',');
        begin_object();
        member_text("resource", rlimitd_resource_name(change->resource));
        member_limit("old", true, change->before);
        member_limit("new", true, change->after);
        write_key("granted_by");
        if (change->by_agent) {
            begin_object();
            member_text("rule", change->rule != NULL ? change->rule : "");
            end_object();
        } else {
            write_text("kernel");
        }
        if (change->warnings & RLIMITD_LIMITED_BY_USER_NAMESPACE) {
            write_key("warnings");
            fputs("[\"LIMITED_BY_USER_NAMESPACE\"]", stdout);
        }
        if (change->shortfall != NULL) {
            write_key("shortfall");
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
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (usage->known >> i & 1) member_number(fields[i].name, fields[i].value);
    }
    if (usage->partial) {
        write_key("partial");
        write_bool(true);
    }
    if (usage->in_use_known == 0) {
        end_object();
        return;
    }
    write_key("in_use");
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
    write_key("changes");
    write_changes(lease->changes, lease->count);
    if (lease->remaining_ms > 0) member_number("remaining_ms", lease->remaining_ms);
    member_text("rule", lease->rule);
    end_object();
}

static void write_explanation(const struct rlimitd_explanation *explanation) {
    begin_object();
    write_key("allowed");
    write_bool(explanation->allowed);
    member_text("rule", explanation->rule);
    if (explanation->error != NULL) {
        write_key("error");
        write_error(explanation->error);
    }
    write_key("verdicts");
    putchar('[');
    for (size_t i = 0; i < explanation->count; i++) {
        const struct rlimitd_verdict *verdict = &explanation->verdicts[i];
        if (i > 0) putchar(',');
        begin_object();
        member_text("resource", rlimitd_resource_name(verdict->resource));
        member_limit("now", verdict->has_now, verdict->now);
        member_limit("most", verdict->has_most, verdict->most);
        member_text("rule", verdict->rule);
        member_limit("new", verdict->has_after, verdict->after);
        if (verdict->error != NULL) {
            write_key("error");
            write_error(verdict->error);
        }
        end_object();
    }
    putchar(']');
    end_object();
}

static void write_processes(const struct rlimitd_processes *processes) {
    write_key("processes");
    putchar('[');
    for (size_t i = 0; i < processes->count; i++) {
        const struct rlimitd_process *process = &processes->list[i];
        if (i > 0) putchar(',');
        begin_object();
        if (process->pid > 0) member_number("pid", process->pid);
        if (process->limits != NULL) write_key("limits"), write_limits(process->limits);
        if (process->changes != NULL) write_key("changes"), write_changes(process->changes->list, process->changes->count);
        if (process->usage != NULL) write_key("usage"), write_usage(process->usage);
        if (process->error != NULL) write_key("error"), write_error(process->error);
        end_object();
    }
    putchar(']');
    is_first = false;
    write_key("incomplete");
    write_bool(processes->incomplete);
}

static void write_server_info(const struct rlimitd_server_info *info) {
    begin_object();
    member_text("version", info->version);
    member_text("kernel", info->kernel);
    write_key("features");
    putchar('[');
    for (size_t i = 0; i < info->feature_count; i++) {
        if (i > 0) putchar(',');
        write_text(info->features[i]);
    }
    putchar(']');
    member_number("nr_open", info->nr_open);
    write_key("can_raise");
    write_bool(info->can_raise);
    member_text("policy", info->policy);
    write_key("caller");
    begin_object();
    if (info->caller.pid > 0) member_number("pid", info->caller.pid);
    member_number("uid", info->caller.uid);
    member_number("gid", info->caller.gid);
    write_key("groups");
    putchar('[');
    for (size_t i = 0; i < info->caller.group_count; i++) {
        printf("%s%" PRIu32, i > 0 ? "," : "", info->caller.groups[i]);
    }
    putchar(']');
    write_key("pinned");
    write_bool(info->caller.pinned);
    if (info->caller.namespace_depth > 0) member_number("namespace_depth", info->caller.namespace_depth);
    if (info->caller.cgroup != NULL) {
        write_key("cgroup");
        json_print_text(stdout, info->caller.cgroup, info->caller.cgroup_length);
    }
    member_text("label", info->caller.label);
    write_key("mixed_ids");
    write_bool(info->caller.mixed_ids);
    end_object();
    end_object();
}

// ---- Asking

static const struct rlimitd_target *target_of(const struct adapter *adapter) {
    return adapter->has_target ? &adapter->target : NULL;
}

static bool is_group(const struct adapter *adapter) {
    return adapter->has_target && (adapter->target.kind == RLIMITD_CGROUP || adapter->target.kind == RLIMITD_POD);
}

static int handle_get(struct adapter *adapter, const struct json *request) {
    struct rlimitd_limits limits;
    struct rlimitd_processes *processes;
    if (read_target(adapter, json_member(request, "on")) != 0) return -1;
    if (read_resources(adapter, json_member(request, "resources")) != 0) return -1;
    if (is_group(adapter)) {
        if (rlimitd_get_each(adapter->agent, target_of(adapter), adapter->resources, adapter->resource_count, &processes,
                             &adapter->error) != 0) {
            return -1;
        }
        write_processes(processes);
        rlimitd_free(processes);
        return 0;
    }
    if (rlimitd_get(adapter->agent, target_of(adapter), adapter->resources, adapter->resource_count, &limits,
                    &adapter->error) != 0) {
        return -1;
    }
    write_key("limits");
    write_limits(&limits);
    return 0;
}

static int handle_lease(struct adapter *adapter, const struct json *lease_json) {
    struct rlimitd_lease *lease;
    char id[RLIMITD_LEASE_TEXT_SIZE];
    uint64_t duration;
    if (read_number(adapter, json_member(lease_json, "duration_ms"), UINT64_MAX, &duration) != 0) return -1;
    if (rlimitd_lease(adapter->agent, target_of(adapter), adapter->edits, adapter->edit_count, duration, &lease,
                      &adapter->error) != 0) {
        return -1;
    }
    rlimitd_lease_id_text(&lease->id, id);
    write_key("changes");
    write_changes(lease->changes, lease->count);
    member_text("lease", id);
    if (lease->remaining_ms > 0) member_number("remaining_ms", lease->remaining_ms);
    rlimitd_free(lease);
    return 0;
}

static int handle_set(struct adapter *adapter, const struct json *request) {
    struct rlimitd_changes *changes;
    struct rlimitd_processes *processes;
    const struct json *lease = json_member(request, "lease");
    if (read_target(adapter, json_member(request, "on")) != 0) return -1;
    if (read_edits(adapter, json_member(request, "edits")) != 0) return -1;
    if (lease != NULL) return handle_lease(adapter, lease);
    if (is_group(adapter)) {
        if (rlimitd_set_each(adapter->agent, target_of(adapter), adapter->edits, adapter->edit_count, &processes,
                             &adapter->error) != 0) {
            return -1;
        }
        write_processes(processes);
        rlimitd_free(processes);
        return 0;
    }
    if (rlimitd_set(adapter->agent, target_of(adapter), adapter->edits, adapter->edit_count, &changes, &adapter->error) !=
        0) {
        return -1;
    }
    write_key("changes");
    write_changes(changes->list, changes->count);
    rlimitd_free(changes);
    return 0;
}

static int handle_raise(struct adapter *adapter, const struct json *request) {
    struct rlimitd_changes *changes;
    int resource;
    uint64_t to;
    if (read_target(adapter, json_member(request, "on")) != 0) return -1;
    if (read_resource(adapter, json_member(request, "resource"), &resource) != 0) return -1;
    if (read_bound(adapter, json_member(request, "to"), &to) != 0) return -1;
    struct rlimitd_edit edit = rlimitd_edit_raise(resource, to);
    if (rlimitd_set(adapter->agent, target_of(adapter), &edit, 1, &changes, &adapter->error) != 0) return -1;
    member_limit("raised", true, changes->list[0].after);
    rlimitd_free(changes);
    return 0;
}

static int handle_prlimit(struct adapter *adapter, const struct json *request) {
    int resource;
    struct rlimitd_limit wanted, old;
    const struct json *limit = json_member(request, "limit");
    if (read_target(adapter, json_member(request, "on")) != 0) return -1;
    if (read_resource(adapter, json_member(request, "resource"), &resource) != 0) return -1;
    if (limit != NULL && read_limit(adapter, limit, &wanted) != 0) return -1;
    if (rlimitd_prlimit(adapter->agent, target_of(adapter), resource, limit != NULL ? &wanted : NULL, &old,
                        &adapter->error) != 0) {
        return -1;
    }
    member_limit("prlimit", true, old);
    return 0;
}

static int handle_usage(struct adapter *adapter, const struct json *request) {
    enum rlimitd_scope scope;
    pid_t thread;
    struct rlimitd_usage usage;
    struct rlimitd_processes *processes;
    if (read_target(adapter, json_member(request, "on")) != 0) return -1;
    if (read_scope(adapter, request, &scope, &thread) != 0) return -1;
    if (is_group(adapter) && scope != RLIMITD_OF_THREAD) {
        if (rlimitd_usage_each(adapter->agent, target_of(adapter), scope, &processes, &adapter->error) != 0) return -1;
        write_processes(processes);
        rlimitd_free(processes);
        return 0;
    }
    if (rlimitd_usage(adapter->agent, target_of(adapter), scope, thread, &usage, &adapter->error) != 0) return -1;
    write_key("usage");
    write_usage(&usage);
    return 0;
}

static int handle_explain(struct adapter *adapter, const struct json *request) {
    const struct json *of = json_member(request, "of"), *what = json_member(of, "do"), *lease = json_member(of, "lease");
    struct rlimitd_limit wanted;
    struct rlimitd_explanation *explanation;
    const char *operation = what != NULL && what->kind == JSON_TEXT ? what->text : "";
    struct rlimitd_question question = {.edits = adapter->edits, .resources = adapter->resources};
    if (read_target(adapter, json_member(of, "on")) != 0) return -1;
    question.target = target_of(adapter);
    if (strcmp(operation, "get") == 0) {
        question.operation = RLIMITD_GET;
        if (read_resources(adapter, json_member(of, "resources")) != 0) return -1;
        question.resource_count = adapter->resource_count;
    } else if (strcmp(operation, "set") == 0) {
        question.operation = RLIMITD_SET;
        question.is_lease = lease != NULL;
        if (read_number(adapter, json_member(lease, "duration_ms"), UINT64_MAX, &question.lease_ms) != 0) return -1;
        if (read_edits(adapter, json_member(of, "edits")) != 0) return -1;
        question.edit_count = adapter->edit_count;
    } else if (strcmp(operation, "prlimit") == 0) {
        question.operation = RLIMITD_PRLIMIT;
        if (read_resource(adapter, json_member(of, "resource"), &question.resource) != 0) return -1;
        const struct json *limit = json_member(of, "limit");
        if (limit != NULL && read_limit(adapter, limit, &wanted) != 0) return -1;
        question.new_limit = limit != NULL ? &wanted : NULL;
    } else if (strcmp(operation, "usage") == 0) {
        question.operation = RLIMITD_USAGE;
        if (read_scope(adapter, of, &question.scope, &question.thread) != 0) return -1;
    } else {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that cannot be explained");
    }
    if (rlimitd_explain(adapter->agent, &question, &explanation, &adapter->error) != 0) return -1;
    write_key("explanation");
    write_explanation(explanation);
    rlimitd_free(explanation);
    return 0;
}

static int handle_renew(struct adapter *adapter, const struct json *request) {
    struct rlimitd_lease_id id;
    struct rlimitd_lease *lease;
    uint64_t duration;
    if (read_lease_id(adapter, json_member(request, "lease"), &id) != 0) return -1;
    if (read_number(adapter, json_member(request, "duration_ms"), UINT64_MAX, &duration) != 0) return -1;
    if (rlimitd_lease_renew(adapter->agent, &id, duration, &lease, &adapter->error) != 0) return -1;
    write_key("renewed");
    write_lease(lease);
    rlimitd_free(lease);
    return 0;
}

static int handle_release(struct adapter *adapter, const struct json *request) {
    static const char *const outcomes[] = {
        "UNSPECIFIED", "RESTORED", "HELD_BY_ANOTHER_LEASE", "CHANGED_BY_TARGET", "IDENTITY_CHANGED", "PROCESS_ENDED"};
    struct rlimitd_lease_id id;
    struct rlimitd_restorations *restorations;
    if (read_lease_id(adapter, json_member(request, "lease"), &id) != 0) return -1;
    if (rlimitd_lease_release(adapter->agent, &id, &restorations, &adapter->error) != 0) return -1;
    write_key("restorations");
    putchar('[');
    for (size_t i = 0; i < restorations->count; i++) {
        const struct rlimitd_restoration *restoration = &restorations->list[i];
        if (i > 0) putchar(',');
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

static int handle_lease_list(struct adapter *adapter, const struct json *request) {
    (void)request;
    struct rlimitd_leases *leases;
    if (rlimitd_lease_list(adapter->agent, &leases, &adapter->error) != 0) return -1;
    write_key("leases");
    putchar('[');
    for (size_t i = 0; i < leases->count; i++) {
        if (i > 0) putchar(',');
        write_lease(&leases->list[i]);
    }
    putchar(']');
    rlimitd_free(leases);
    return 0;
}

static int handle_server_info(struct adapter *adapter, const struct json *request) {
    (void)request;
    struct rlimitd_server_info *info;
    if (rlimitd_server_info(adapter->agent, &info, &adapter->error) != 0) return -1;
    write_key("server_info");
    write_server_info(info);
    rlimitd_free(info);
    return 0;
}

static int handle_stats(struct adapter *adapter, const struct json *request) {
    (void)request;
    struct rlimitd_stats stats;
    if (rlimitd_stats(adapter->agent, &stats, &adapter->error) != 0) return -1;
    write_key("stats");
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

static int dispatch(struct adapter *adapter, const struct json *request) {
    static const struct {
        const char *name;
        int (*run)(struct adapter *adapter, const struct json *request);
    } operations[] = {
        {"get", handle_get}, {"set", handle_set}, {"prlimit", handle_prlimit}, {"usage", handle_usage}, {"explain", handle_explain},
        {"raise", handle_raise}, {"lease_renew", handle_renew}, {"lease_release", handle_release}, {"lease_list", handle_lease_list},
        {"server_info", handle_server_info}, {"stats", handle_stats},
    };
    const struct json *what = json_member(request, "do"), *only = json_member(request, "agent_only");
    uint64_t timeout;
    const struct json *time = json_member(request, "timeout_ms");
    if (read_number(adapter, time, UINT64_MAX, &timeout) != 0) return -1;
    // In C 0 is the usual one, and seven weeks are the longest.
    if (time != NULL && timeout == 0) timeout = RLIMITD_NO_TIME;
    else if (timeout >= RLIMITD_NO_TIME) timeout = RLIMITD_NO_TIME - 1;
    if (rlimitd_configure(adapter->agent, (uint32_t)timeout, only != NULL && only->is_true ? RLIMITD_AGENT_ONLY : 0) != 0) {
        return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that is no timeout");
    }
    for (size_t i = 0; i < sizeof operations / sizeof *operations && what != NULL; i++) {
        if (what->kind == JSON_TEXT && strcmp(what->text, operations[i].name) == 0) {
            return operations[i].run(adapter, request);
        }
    }
    return fail(adapter, RLIMITD_INVALID_ARGUMENT, "that cannot be done");
}

int main(void) {
    struct adapter adapter = {.pidfd = -1};
    adapter.agent = rlimitd_open(NULL, &adapter.error);
    if (adapter.agent == NULL) return 1;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        struct json *request = json_parse(line);
        begin_object();
        int value = request != NULL ? dispatch(&adapter, request)
                                    : fail(&adapter, RLIMITD_INVALID_ARGUMENT, "that is no JSON");
        if (value != 0) {
            write_key("error");
            write_error(&adapter.error);
        }
        end_object();
        putchar('\n');
        fflush(stdout);
        json_free(request);
    }
    free(line);
    if (adapter.pidfd >= 0) close(adapter.pidfd);
    rlimitd_close(adapter.agent);
    return 0;
}
