#include "model/limit_text.h"

#include <inttypes.h>
#include <stdio.h>

const char *format_bound(uint64_t bound, char text[LIMIT_TEXT_SIZE]) {
    if (bound == RLIMITD_INFINITY) return "unlimited";
    snprintf(text, LIMIT_TEXT_SIZE, "%" PRIu64, bound);
    return text;
}

const char *format_limit(struct rlimitd_limit limit, char text[LIMIT_TEXT_SIZE]) {
    char soft[LIMIT_TEXT_SIZE], hard[LIMIT_TEXT_SIZE];
    snprintf(text, LIMIT_TEXT_SIZE, "%.20s:%.20s", format_bound(limit.soft, soft), format_bound(limit.hard, hard));
    return text;
}
