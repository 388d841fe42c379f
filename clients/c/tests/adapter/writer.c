#include "writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

static bool is_first;

void begin_object(void) {
    putchar('{');
    is_first = true;
}

void end_object(void) {
    putchar('}');
    is_first = false;
}

void write_key(const char *text) {
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

void member_text(const char *key, const char *text) {
    if (text == NULL) return;
    write_key(key);
    write_text(text);
}

void member_number(const char *key, uint64_t number) {
    write_key(key);
    write_number(number);
}

void member_limit(const char *key, bool has, struct rlimitd_limit limit) {
    if (!has) return;
    write_key(key);
    write_limit(limit);
}

void write_error(const struct rlimitd_error *error) {
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

void write_limits(const struct rlimitd_limits *limits) {
    begin_object();
    for (int resource = 0; resource < RLIMITD_RESOURCES; resource++) {
        member_limit(rlimitd_resource_name(resource), limits->known >> resource & 1, limits->of[resource]);
    }
    end_object();
}

void write_changes(const struct rlimitd_change *changes, size_t count) {
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

void write_usage(const struct rlimitd_usage *usage) {
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
        if (usage->in_use_known >> resource & 1) {
            member_number(rlimitd_resource_name(resource), usage->in_use[resource]);
        }
    }
    end_object();
    end_object();
}

void write_lease(const struct rlimitd_lease *lease) {
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

void write_explanation(const struct rlimitd_explanation *explanation) {
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

void write_processes(const struct rlimitd_processes *processes) {
    write_key("processes");
    putchar('[');
    for (size_t i = 0; i < processes->count; i++) {
        const struct rlimitd_process *process = &processes->list[i];
        if (i > 0) putchar(',');
        begin_object();
        if (process->pid > 0) member_number("pid", process->pid);
        if (process->limits != NULL) write_key("limits"), write_limits(process->limits);
        if (process->changes != NULL) {
            write_key("changes"), write_changes(process->changes->list, process->changes->count);
        }
        if (process->usage != NULL) write_key("usage"), write_usage(process->usage);
        if (process->error != NULL) write_key("error"), write_error(process->error);
        end_object();
    }
    putchar(']');
    is_first = false;
    write_key("incomplete");
    write_bool(processes->incomplete);
}

void write_server_info(const struct rlimitd_server_info *info) {
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
    write_key("may_attach");
    write_bool(info->caller.may_attach);
    end_object();
    if (info->policy_generation > 0) member_number("policy_generation", info->policy_generation);
    member_text("policy_path", info->policy_path);
    write_key("warnings");
    putchar('[');
    for (size_t i = 0; i < info->warning_count; i++) {
        if (i > 0) putchar(',');
        write_text(info->warnings[i]);
    }
    putchar(']');
    end_object();
}
