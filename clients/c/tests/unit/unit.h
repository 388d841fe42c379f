// The unit tests: groups of tests, and what they share.
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include "scripted_agent.h"
#include "test.h"

void text_tests(void);
void response_tests(void);
void connection_tests(void);
void fork_tests(void);
void trust_tests(void);
void kernel_first_tests(void);

extern const int nofile[1];
int get_nofile(struct rlimitd *agent, struct rlimitd_limits *limits, struct rlimitd_error *error);

// Answers the first request of a connection once `may_answer` is set, and the later ones at once.
extern _Atomic int may_answer;
void serve_late(struct scripted_agent *scripted, int fd);

#endif
