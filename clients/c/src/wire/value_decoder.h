// Converts messages of responses to the structs of rlimitd.h. Texts are copied: a message lasts only until the next
// one. Every function returns 0, or -1 with an error.
#ifndef RLIMITD_VALUE_DECODER_H
#define RLIMITD_VALUE_DECODER_H

#include "rlimitd.h"
#include "rlimitd.pb-c.h"

int fail_malformed_response(struct rlimitd_error *error, const char *what);

int decode_limit(const Rlimitd__V1__Limit *message, struct rlimitd_limit *limit, struct rlimitd_error *error);
int decode_optional_limit(const Rlimitd__V1__Limit *message, bool *has, struct rlimitd_limit *limit,
                          struct rlimitd_error *error);
int decode_error(const Rlimitd__V1__Error *message, struct rlimitd_error *decoded, struct rlimitd_error *error);
int decode_limits(const Rlimitd__V1__LimitList *message, struct rlimitd_limits *limits, struct rlimitd_error *error);
void decode_usage(const Rlimitd__V1__Usage *message, struct rlimitd_usage *usage);

// `result` owns the texts and shortfalls. If it is NULL they are left out.
int decode_change(const void *result, const Rlimitd__V1__Change *message, struct rlimitd_change *change,
                  struct rlimitd_error *error);
int decode_changes(const void *result, Rlimitd__V1__Change *const *messages, size_t count,
                   struct rlimitd_change **changes, struct rlimitd_error *error);
int decode_lease(const void *result, const Rlimitd__V1__LeaseInfo *message, struct rlimitd_lease *lease,
                 struct rlimitd_error *error);

// Copies into a result. Text functions return false if there is no memory; no message or no result makes a NULL copy.
bool copy_text(const void *result, const char *text, const char **copy);
// The same; an empty text makes a NULL copy too.
bool copy_name(const void *result, const char *text, const char **copy);
int copy_error_to_result(const void *result, const Rlimitd__V1__Error *message, const struct rlimitd_error **copy,
                         struct rlimitd_error *error);

#endif
