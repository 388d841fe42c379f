// Writes the parts of an answer to standard output.
#ifndef TESTS_WRITER_H
#define TESTS_WRITER_H

#include "rlimitd.h"

void begin_object(void);
void end_object(void);
// The name of a member. A comma goes before it unless it is the first of its object.
void write_key(const char *text);
// Members. A NULL text and a limit that is not there are left out.
void member_text(const char *key, const char *text);
void member_number(const char *key, uint64_t number);
void member_limit(const char *key, bool has, struct rlimitd_limit limit);
// Values, and the members of a result about several processes.
void write_error(const struct rlimitd_error *error);
void write_limits(const struct rlimitd_limits *limits);
void write_changes(const struct rlimitd_change *changes, size_t count);
void write_usage(const struct rlimitd_usage *usage);
void write_lease(const struct rlimitd_lease *lease);
void write_explanation(const struct rlimitd_explanation *explanation);
void write_processes(const struct rlimitd_processes *processes);
void write_server_info(const struct rlimitd_server_info *info);

#endif
