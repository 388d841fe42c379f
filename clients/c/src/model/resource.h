// The sixteen resources: their numbers, names and units.
#ifndef RLIMITD_RESOURCE_H
#define RLIMITD_RESOURCE_H

#include "rlimitd.h"
#include "rlimitd.pb-c.h"

// A bit for each resource.
#define ALL_RESOURCES 0xffffu

enum resource_unit { BYTES, SECONDS, MICROSECONDS, COUNT, NICE_LEVEL, PRIORITY };

bool is_resource(int resource);
bool is_leasable(int resource);
enum resource_unit resource_unit(int resource);
// -1 with INVALID_RESOURCE if there is no such resource.
int require_resource(int resource, int edit_index, struct rlimitd_error *error);
// The RLIMIT_* number of a name that need not end with NUL; -1 with INVALID_RESOURCE or UNSUPPORTED.
int parse_resource(const char *name, size_t length, struct rlimitd_error *error);

// The protocol numbers resources from 1 to 16. 0 and -1 stand for an unknown resource.
Rlimitd__V1__Resource resource_to_wire(int resource);
int resource_from_wire(Rlimitd__V1__Resource number);
// By index among the sixteen, in the order of the protocol.
int resource_at_index(size_t index);

#endif
