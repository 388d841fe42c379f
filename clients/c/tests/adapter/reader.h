// Reads members of a request. Every function returns 0, or -1 with the error of the adapter.
#ifndef TESTS_READER_H
#define TESTS_READER_H

#include "adapter.h"

int read_bound(struct adapter *adapter, const struct json *value, uint64_t *bound);
int read_limit(struct adapter *adapter, const struct json *value, struct rlimitd_limit *limit);
// 0 if the member is absent.
int read_number(struct adapter *adapter, const struct json *value, uint64_t max, uint64_t *number);
int read_resource(struct adapter *adapter, const struct json *value, int *resource);
int read_resources(struct adapter *adapter, const struct json *list);
int read_target(struct adapter *adapter, const struct json *on);
int read_edits(struct adapter *adapter, const struct json *list);
int read_scope(struct adapter *adapter, const struct json *request, enum rlimitd_scope *scope, pid_t *thread);
int read_lease_id(struct adapter *adapter, const struct json *value, struct rlimitd_lease_id *id);

#endif
