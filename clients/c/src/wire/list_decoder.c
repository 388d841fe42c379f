#include "wire/list_decoder.h"

#include <string.h>

#include "model/error.h"
#include "model/resource.h"
#include "model/result.h"
#include "wire/value_decoder.h"

// Bounds the memory that an agent can make its clients use. An agent names at most half as many processes.
#define MAX_PROCESSES 262144
#define MAX_LEASES 65536

// Makes room for `added` more entries in a list. The result keeps the old list until it is freed.
static int reserve_entries(const void *result, void *list, size_t size, size_t count, size_t added, size_t max,
                           size_t *capacity, struct rlimitd_error *error) {
    if (added > max - count) return fail_malformed_response(error, "a response whose parts do not fit together");
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
        // An unknown resource, from a newer agent.
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
            return fail_malformed_response(error, "a restoration of an unknown resource");
        }
        if (entry->outcome == RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_UNSPECIFIED) {
            return fail_malformed_response(error, "a restoration without an outcome");
        }
        if (decode_optional_limit(entry->limit, &restoration.has_limit, &restoration.limit, error) != 0) return -1;
        restoration.outcome = (enum rlimitd_outcome)entry->outcome;
        // rlimitd.h has no value for an unknown outcome, from a newer agent.
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
    if (!fits) return fail_malformed_response(error, "other edits of a process than the requested ones");
    changes->count = message->n_changes;
    process->changes = changes;
    return 0;
}

static int decode_process(const struct process_list_decoder *decoder, const Rlimitd__V1__ProcessResult *message,
                          struct rlimitd_process *process, struct rlimitd_error *error) {
    const void *result = decoder->processes;
    *process = (struct rlimitd_process){.pid = message->pid};
    if (message->pid > MAX_PID) return fail_malformed_response(error, "a response about an impossible process id");
    if (message->outcome_case == RLIMITD__V1__PROCESS_RESULT__OUTCOME_ERROR) {
        return copy_error_to_result(result, message->error, &process->error, error);
    }
    if (message->outcome_case == RLIMITD__V1__PROCESS_RESULT__OUTCOME__NOT_SET) {
        struct rlimitd_error *unknown = allocate_in_result(result, sizeof *unknown);
        if (unknown == NULL) return fail_out_of_memory(error);
        fail(unknown, RLIMITD_UNSUPPORTED, "a response of a kind that this client does not know");
        process->error = unknown;
        return 0;
    }
    if (message->outcome_case != decoder->outcome) {
        return fail_malformed_response(error, "another kind of result for a process than the requested one");
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
    return fail_malformed_response(error, "other limits of a process than the requested ones");
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
    // The last part says it.
    processes->incomplete = message->has_incomplete && message->incomplete;
    return 0;
}
