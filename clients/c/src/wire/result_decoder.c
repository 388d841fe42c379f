// From the messages of the agent to results. Nothing of a message lasts: texts are copied.
#include "internal.h"

#include <string.h>

// So that no agent fills the memory of its clients. An agent names half as many processes.
#define MAX_PROCESSES 262144
#define MAX_LEASES 65536

int fail_malformed_response(struct rlimitd_error *error, const char *what) { return fail(error, RLIMITD_MALFORMED, "%s", what); }

// A copy of a text of the agent's; true where there is none, or nobody wants it.
static bool copy_text(const void *result, const char *text, const char **copy) {
    *copy = NULL;
    if (result == NULL || text == NULL) return true;
    *copy = copy_text_to_result(result, text, strlen(text));
    return *copy != NULL;
}

// The same; an empty one is none.
static bool copy_name(const void *result, const char *text, const char **copy) {
    return copy_text(result, text != NULL && text[0] != '\0' ? text : NULL, copy);
}

int decode_limit(const Rlimitd__V1__Limit *message, struct rlimitd_limit *limit, struct rlimitd_error *error) {
    if (message == NULL || !message->has_soft || !message->has_hard) {
        return fail_malformed_response(error, "an answer that lacks a limit, or half of one");
    }
    *limit = (struct rlimitd_limit){message->soft, message->hard};
    return 0;
}

static int decode_optional_limit(const Rlimitd__V1__Limit *message, bool *has, struct rlimitd_limit *limit,
                               struct rlimitd_error *error) {
    *has = message != NULL;
    return *has ? decode_limit(message, limit, error) : 0;
}

int decode_error(const Rlimitd__V1__Error *message, struct rlimitd_error *taken, struct rlimitd_error *error) {
    // A code that is not known here is the agent's own fault, with its words kept.
    enum rlimitd_code code = message->has_code ? (enum rlimitd_code)message->code : RLIMITD_OK;
    if (code <= RLIMITD_OK || code > RLIMITD_INTERNAL) code = RLIMITD_INTERNAL;
    bool has_words = message->message != NULL && message->message[0] != '\0';
    fail(taken, code, "%s", has_words ? message->message : code_summary(code));
    if (message->has_error_number) taken->error_number = message->error_number;
    if (message->has_resource) taken->resource = resource_from_wire(message->resource);
    if (message->has_edit_index && message->edit_index <= INT32_MAX) taken->edit_index = (int)message->edit_index;
    if (message->has_retry_after_ms) taken->retry_after_ms = message->retry_after_ms;
    if (message->rule != NULL) copy_truncated(taken->rule, sizeof taken->rule, message->rule);
    return decode_optional_limit(message->allowed, &taken->has_allowed, &taken->allowed, error);
}

// A copy of an error that belongs to a result; none where there is none, or nobody wants it.
static int copy_error_to_result(const void *result, const Rlimitd__V1__Error *message, const struct rlimitd_error **copy,
                      struct rlimitd_error *error) {
    *copy = NULL;
    if (message == NULL || result == NULL) return 0;
    struct rlimitd_error *taken = allocate_in_result(result, sizeof *taken);
    if (taken == NULL) return fail_out_of_memory(error);
    *copy = taken;
    return decode_error(message, taken, error);
}

int decode_limits(const Rlimitd__V1__LimitList *message, struct rlimitd_limits *limits, struct rlimitd_error *error) {
    for (size_t i = 0; i < message->n_limits; i++) {
        const Rlimitd__V1__ResourceLimit *entry = message->limits[i];
        int resource = resource_from_wire(entry->resource);
        // One that is not known here is left out.
        if (resource < 0) continue;
        if (limits->known >> resource & 1) return fail_malformed_response(error, "an answer with two limits for one resource");
        if (decode_limit(entry->limit, &limits->of[resource], error) != 0) return -1;
        limits->known |= 1u << resource;
    }
    return 0;
}

uint32_t decode_warnings(const Rlimitd__V1__Warning *warnings, size_t count) {
    uint32_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        // Others say nothing that could be passed on.
        if (warnings[i] == RLIMITD__V1__WARNING__WARNING_LIMITED_BY_USER_NAMESPACE) {
            taken |= RLIMITD_LIMITED_BY_USER_NAMESPACE;
        }
    }
    return taken;
}

int decode_change(const void *result, const Rlimitd__V1__Change *message, struct rlimitd_change *change,
                struct rlimitd_error *error) {
    *change = (struct rlimitd_change){.resource = resource_from_wire(message->resource), .by_agent = true};
    if (change->resource < 0) return fail_malformed_response(error, "an answer about a resource that was not asked for");
    if (decode_limit(message->old, &change->before, error) != 0) return -1;
    if (decode_limit(message->new_, &change->after, error) != 0) return -1;
    change->warnings = decode_warnings(message->warnings, message->n_warnings);
    if (!copy_name(result, message->rule, &change->rule)) return fail_out_of_memory(error);
    return copy_error_to_result(result, message->shortfall, &change->shortfall, error);
}

static int decode_changes(const void *result, Rlimitd__V1__Change *const *messages, size_t count,
                        struct rlimitd_change **changes, struct rlimitd_error *error) {
    *changes = allocate_in_result(result, (count + 1) * sizeof **changes);
    if (*changes == NULL) return fail_out_of_memory(error);
    for (size_t i = 0; i < count; i++) {
        if (decode_change(result, messages[i], &(*changes)[i], error) != 0) return -1;
    }
    return 0;
}

int decode_lease(const void *result, const Rlimitd__V1__LeaseInfo *message, struct rlimitd_lease *lease,
               struct rlimitd_error *error) {
    if (message->id.len < 1 || message->id.len > sizeof lease->id.bytes) {
        return fail_malformed_response(error, "a lease whose name has not 1 to 64 bytes");
    }
    if (message->pid > MAX_PID) return fail_malformed_response(error, "a lease of a process that there cannot be");
    if (message->n_changes > RLIMITD_EDITS) return fail_malformed_response(error, "a lease of more edits than there can be");
    lease->id.length = message->id.len;
    memcpy(lease->id.bytes, message->id.data, message->id.len);
    lease->pid = message->pid;
    lease->remaining_ms = message->remaining_ms;
    if (!copy_name(result, message->rule, &lease->rule)) return fail_out_of_memory(error);
    if (result == NULL) return 0;
    lease->count = message->n_changes;
    return decode_changes(result, message->changes, message->n_changes, &lease->changes, error);
}

void decode_usage(const Rlimitd__V1__Usage *message, struct rlimitd_usage *usage) {
    *usage = (struct rlimitd_usage){0};
#define COPY_FIELD(field, bit)                 \
    do {                                 \
        if (message->has_##field) {      \
            usage->field = message->field; \
            usage->known |= bit;         \
        }                                \
    } while (0)
    COPY_FIELD(user_time_us, RLIMITD_USER_TIME);
    COPY_FIELD(system_time_us, RLIMITD_SYSTEM_TIME);
    COPY_FIELD(max_resident_bytes, RLIMITD_MAX_RESIDENT);
    COPY_FIELD(shared_text_bytes, RLIMITD_SHARED_TEXT);
    COPY_FIELD(unshared_data_bytes, RLIMITD_UNSHARED_DATA);
    COPY_FIELD(unshared_stack_bytes, RLIMITD_UNSHARED_STACK);
    COPY_FIELD(minor_faults, RLIMITD_MINOR_FAULTS);
    COPY_FIELD(major_faults, RLIMITD_MAJOR_FAULTS);
    COPY_FIELD(swaps, RLIMITD_SWAPS);
    COPY_FIELD(block_inputs, RLIMITD_BLOCK_INPUTS);
    COPY_FIELD(block_outputs, RLIMITD_BLOCK_OUTPUTS);
    COPY_FIELD(messages_sent, RLIMITD_MESSAGES_SENT);
    COPY_FIELD(messages_received, RLIMITD_MESSAGES_RECEIVED);
    COPY_FIELD(signals_received, RLIMITD_SIGNALS_RECEIVED);
    COPY_FIELD(voluntary_context_switches, RLIMITD_VOLUNTARY_SWITCHES);
    COPY_FIELD(involuntary_context_switches, RLIMITD_INVOLUNTARY_SWITCHES);
#undef COPY_FIELD
    usage->partial = message->has_partial && message->partial;
    for (size_t i = 0; i < message->n_in_use; i++) {
        int resource = resource_from_wire(message->in_use[i]->resource);
        if (resource < 0 || !message->in_use[i]->has_amount) continue;
        usage->in_use[resource] = message->in_use[i]->amount;
        usage->in_use_known |= 1u << resource;
    }
}

// ---- Lists, which come in parts

// Room for so many more in a list; what it was stays with the result until that is freed.
static int reserve_entries(const void *result, void *list, size_t size, size_t count, size_t added, size_t max, size_t *capacity,
                   struct rlimitd_error *error) {
    if (added > max - count) return fail_malformed_response(error, "an answer in parts that do not fit");
    if (count + added <= *capacity) return 0;
    size_t wanted = count + added > 2 * *capacity ? count + added : 2 * *capacity;
    void *larger = allocate_in_result(result, wanted * size), *old;
    if (larger == NULL) return fail_out_of_memory(error);
    memcpy(&old, list, sizeof old);
    if (count > 0) memcpy(larger, old, count * size);
    memcpy(list, &larger, sizeof larger);
    *capacity = wanted;
    return 0;
}

int decode_explanation(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    struct rlimitd_explanation *explanation = destination;
    const Rlimitd__V1__Explanation *message = part->explanation;
    if (is_first) {
        explanation->allowed = message->has_allowed && message->allowed;
        if (!copy_name(explanation, message->rule, &explanation->rule)) return fail_out_of_memory(error);
        if (copy_error_to_result(explanation, message->error, &explanation->error, error) != 0) return -1;
        if (!explanation->allowed && explanation->error == NULL) {
            struct rlimitd_error *refusal = allocate_in_result(explanation, sizeof *refusal);
            if (refusal == NULL) return fail_out_of_memory(error);
            fail(refusal, RLIMITD_DENIED_BY_POLICY, "%s", code_summary(RLIMITD_DENIED_BY_POLICY));
            explanation->error = refusal;
        }
    }
    size_t capacity = explanation->count, known = 0;
    for (size_t i = 0; i < message->n_verdicts; i++) known += resource_from_wire(message->verdicts[i]->resource) >= 0;
    if (reserve_entries(explanation, &explanation->verdicts, sizeof *explanation->verdicts, explanation->count, known,
                RLIMITD_RESOURCES, &capacity, error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < message->n_verdicts; i++) {
        const Rlimitd__V1__Verdict *entry = message->verdicts[i];
        // About a resource that is not known here.
        if (resource_from_wire(entry->resource) < 0) continue;
        struct rlimitd_verdict *verdict = &explanation->verdicts[explanation->count];
        *verdict = (struct rlimitd_verdict){.resource = resource_from_wire(entry->resource)};
        if (decode_optional_limit(entry->now, &verdict->has_now, &verdict->now, error) != 0 ||
            decode_optional_limit(entry->most, &verdict->has_most, &verdict->most, error) != 0 ||
            decode_optional_limit(entry->new_, &verdict->has_after, &verdict->after, error) != 0) {
            return -1;
        }
        if (!copy_name(explanation, entry->rule, &verdict->rule)) return fail_out_of_memory(error);
        if (copy_error_to_result(explanation, entry->error, &verdict->error, error) != 0) return -1;
        explanation->count++;
    }
    return 0;
}

static bool is_known(Rlimitd__V1__Restoration__Outcome outcome) {
    return (int)outcome >= RLIMITD_RESTORED && (int)outcome <= RLIMITD_PROCESS_ENDED;
}

int decode_restorations(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    struct rlimitd_restorations *restorations = destination;
    const Rlimitd__V1__RestorationList *message = part->restorations;
    size_t capacity = restorations->count, known = 0;
    for (size_t i = 0; i < message->n_restorations; i++) known += is_known(message->restorations[i]->outcome);
    if (reserve_entries(restorations, &restorations->list, sizeof *restorations->list, restorations->count, known,
                RLIMITD_RESOURCES, &capacity, error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < message->n_restorations; i++) {
        const Rlimitd__V1__Restoration *entry = message->restorations[i];
        struct rlimitd_restoration restoration = {.resource = resource_from_wire(entry->resource)};
        if (restoration.resource < 0) {
            return fail_malformed_response(error, "the end of a lease of a resource that was not asked for");
        }
        if (entry->outcome == RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_UNSPECIFIED) {
            return fail_malformed_response(error, "the end of a lease that came to nothing");
        }
        if (decode_optional_limit(entry->limit, &restoration.has_limit, &restoration.limit, error) != 0) return -1;
        restoration.outcome = (enum rlimitd_outcome)entry->outcome;
        // An outcome that is not known here says nothing that could be passed on.
        if (is_known(entry->outcome)) restorations->list[restorations->count++] = restoration;
    }
    return 0;
}

int decode_leases(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    struct lease_list_decoder *decoder = destination;
    struct rlimitd_leases *leases = decoder->leases;
    const Rlimitd__V1__LeaseInfoList *message = part->leases;
    if (reserve_entries(leases, &leases->list, sizeof *leases->list, leases->count, message->n_leases, MAX_LEASES,
                &decoder->capacity, error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < message->n_leases; i++) {
        if (decode_lease(leases, message->leases[i], &leases->list[leases->count], error) != 0) return -1;
        leases->count++;
    }
    return 0;
}

static int decode_process_changes(const struct process_list_decoder *decoder, const Rlimitd__V1__ChangeList *message,
                                struct rlimitd_process *process, struct rlimitd_error *error) {
    const void *result = decoder->processes;
    struct rlimitd_changes *changes = allocate_in_result(result, sizeof *changes);
    if (changes == NULL) return fail_out_of_memory(error);
    bool fits = message->n_changes == decoder->edit_count;
    if (fits && decode_changes(result, message->changes, message->n_changes, &changes->list, error) != 0) return -1;
    for (size_t i = 0; fits && i < decoder->edit_count; i++) {
        fits = changes->list[i].resource == decoder->edits[i].resource;
        if (decoder->symbolic >> i & 1) changes->list[i].shortfall = NULL;
    }
    if (!fits) return fail_malformed_response(error, "other edits of a process than it was asked for");
    changes->count = message->n_changes;
    process->changes = changes;
    return 0;
}

static int decode_process(const struct process_list_decoder *decoder, const Rlimitd__V1__ProcessResult *message,
                        struct rlimitd_process *process, struct rlimitd_error *error) {
    const void *result = decoder->processes;
    *process = (struct rlimitd_process){.pid = message->pid};
    if (message->pid > MAX_PID) return fail_malformed_response(error, "an answer about a process that there cannot be");
    if (message->outcome_case == RLIMITD__V1__PROCESS_RESULT__OUTCOME_ERROR) {
        return copy_error_to_result(result, message->error, &process->error, error);
    }
    if (message->outcome_case == RLIMITD__V1__PROCESS_RESULT__OUTCOME__NOT_SET) {
        struct rlimitd_error *unknown = allocate_in_result(result, sizeof *unknown);
        if (unknown == NULL) return fail_out_of_memory(error);
        fail(unknown, RLIMITD_UNSUPPORTED, "an answer of a kind that this client does not know");
        process->error = unknown;
        return 0;
    }
    if (message->outcome_case != decoder->outcome) {
        return fail_malformed_response(error, "something else of a process than it was asked for");
    }
    if (message->outcome_case == RLIMITD__V1__PROCESS_RESULT__OUTCOME_CHANGES) {
        return decode_process_changes(decoder, message->changes, process, error);
    }
    if (message->outcome_case == RLIMITD__V1__PROCESS_RESULT__OUTCOME_USAGE) {
        struct rlimitd_usage *usage = allocate_in_result(result, sizeof *usage);
        if (usage == NULL) return fail_out_of_memory(error);
        decode_usage(message->usage, usage);
        process->usage = usage;
        return 0;
    }
    struct rlimitd_limits *limits = allocate_in_result(result, sizeof *limits);
    if (limits == NULL) return fail_out_of_memory(error);
    process->limits = limits;
    if (decode_limits(message->limits, limits, error) != 0) return -1;
    if ((limits->known & decoder->resources) == decoder->resources) return 0;
    return fail_malformed_response(error, "other limits of a process than it was asked for");
}

int decode_processes(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    struct process_list_decoder *decoder = destination;
    struct rlimitd_processes *processes = decoder->processes;
    const Rlimitd__V1__ProcessResultList *message = part->processes;
    if (reserve_entries(processes, &processes->list, sizeof *processes->list, processes->count, message->n_results,
                MAX_PROCESSES, &decoder->capacity, error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < message->n_results; i++) {
        if (decode_process(decoder, message->results[i], &processes->list[processes->count], error) != 0) return -1;
        processes->count++;
    }
    // Said in the last part.
    processes->incomplete = message->has_incomplete && message->incomplete;
    return 0;
}

int decode_server_info(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    struct rlimitd_server_info *info = destination;
    const Rlimitd__V1__ServerInfo *message = part->server_info;
    const Rlimitd__V1__Caller *caller = message->caller;
    if (!is_first) return fail_malformed_response(error, "an answer in parts that do not fit");
    if (caller == NULL) return fail_malformed_response(error, "an answer that does not say who asks");
    const char **features = allocate_in_result(info, (message->n_features + 1) * sizeof *features);
    uint32_t *groups = allocate_in_result(info, (caller->n_groups + 1) * sizeof *groups);
    if (features == NULL || groups == NULL) return fail_out_of_memory(error);
    for (size_t i = 0; i < message->n_features; i++) {
        if (!copy_text(info, message->features[i], &features[i])) return fail_out_of_memory(error);
    }
    if (caller->n_groups > 0) memcpy(groups, caller->groups, caller->n_groups * sizeof *groups);
    if (!copy_text(info, message->version != NULL ? message->version : "", &info->version) ||
        !copy_text(info, message->kernel != NULL ? message->kernel : "", &info->kernel) ||
        !copy_text(info, message->policy != NULL ? message->policy : "", &info->policy) ||
        !copy_text(info, caller->label, &info->caller.label)) {
        return fail_out_of_memory(error);
    }
    if (caller->has_cgroup) {
        info->caller.cgroup = copy_text_to_result(info, (const char *)caller->cgroup.data, caller->cgroup.len);
        if (info->caller.cgroup == NULL) return fail_out_of_memory(error);
        info->caller.cgroup_length = caller->cgroup.len;
    }
    info->feature_count = message->n_features;
    info->features = features;
    info->nr_open = message->nr_open;
    info->can_raise = message->can_raise;
    info->caller.pid = caller->pid <= MAX_PID ? caller->pid : 0;
    info->caller.uid = caller->uid;
    info->caller.gid = caller->gid;
    info->caller.group_count = caller->n_groups;
    info->caller.groups = groups;
    info->caller.pinned = caller->pinned;
    info->caller.namespace_depth = caller->namespace_depth;
    info->caller.mixed_ids = caller->mixed_ids;
    return 0;
}

int decode_stats(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    (void)error;
    struct rlimitd_stats *stats = destination;
    const Rlimitd__V1__Stats *message = part->stats;
    *stats = (struct rlimitd_stats){
        .connections = message->connections, .connections_total = message->connections_total,
        .requests_total = message->requests_total, .changes_total = message->changes_total,
        .refusals_total = message->refusals_total, .faults_total = message->faults_total, .leases = message->leases,
        .uptime_ms = message->uptime_ms,
    };
    return 0;
}
