// What would come of a call.
#include "call.h"

static int explain_set(struct call *call, const struct rlimitd_question *question, struct rlimitd_explanation *made) {
    size_t count = question->edit_count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : question->edit_count;
    if (count == 0) return fail(call->error, RLIMITD_INVALID_ARGUMENT, "there is no edit to explain");
    if (require_edits(question->edits, count, call->error) != 0) return -1;
    if (question->is_lease && require_duration(question->lease_ms, call->error) != 0) return -1;
    struct course course = {
        .agent = call->agent, .subject = &call->subject, .edits = question->edits, .count = count,
        .deadline = call->deadline, .is_question = true, .is_lease = question->is_lease, .lease_ms = question->lease_ms,
        .explanation = made,
    };
    return run_course(&course, call->error);
}

static int explain(struct call *call, const struct rlimitd_question *question, struct rlimitd_explanation *made) {
    struct wire_get room;
    Rlimitd__V1__Explain message = RLIMITD__V1__EXPLAIN__INIT;
    Rlimitd__V1__Prlimit prlimit_message;
    Rlimitd__V1__GetUsage usage_message;
    Rlimitd__V1__Limit limit;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    uint32_t resources;
    switch (question->operation) {
    case RLIMITD_SET:
        return explain_set(call, question, made);
    case RLIMITD_GET:
        resources = resource_set(question->resources, question->resource_count, call->error);
        if (resources == 0) return -1;
        write_get(&room, &call->subject, resources);
        message.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_GET;
        message.get = &room.get;
        break;
    case RLIMITD_PRLIMIT:
        if (require_resource(question->resource, -1, call->error) != 0) return -1;
        write_prlimit(&prlimit_message, &limit, question->resource, question->new_limit);
        prlimit_message.target = wire_target(&call->subject, &target, &empty);
        message.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_PRLIMIT;
        message.prlimit = &prlimit_message;
        break;
    case RLIMITD_USAGE:
        if (require_scope(question->scope, question->thread, call->error) != 0) return -1;
        write_usage(&usage_message, question->scope, question->thread);
        usage_message.target = wire_target(&call->subject, &target, &empty);
        message.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_USAGE;
        message.usage = &usage_message;
        break;
    default:
        return fail(call->error, RLIMITD_INVALID_ARGUMENT, "%d is no operation", (int)question->operation);
    }
    struct inquiry inquiry;
    start_inquiry(&inquiry, &call->subject, true);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_EXPLAIN;
    inquiry.request.explain = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION;
    inquiry.take = take_explanation;
    inquiry.into = made;
    return ask(call->agent, &inquiry, call->deadline, call->error);
}

int rlimitd_explain(struct rlimitd *agent, const struct rlimitd_question *question,
                    struct rlimitd_explanation **explanation, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_explanation *made = NULL;
    int value = begin(&call, agent, question->target, error);
    if (value == 0 && (made = make(&call, sizeof *made)) == NULL) value = -1;
    if (value == 0) value = explain(&call, question, made);
    HAND_OUT(value, made, explanation);
    return end(&call, value);
}
