// System calls that only the tests need. Every function returns -errno on failure.
#ifndef CTESTKERNEL_H
#define CTESTKERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "CTestCommand.h"

int tk_set_uids(uint32_t real, uint32_t effective, uint32_t saved);
int tk_set_effective_uid_of_thread(uint32_t uid);  // affects only the calling thread
int tk_set_gids(uint32_t real, uint32_t effective, uint32_t saved);
int tk_set_many_groups(uint32_t count);  // the groups 100000 and up
int tk_set_many_groups_of_thread(uint32_t count);  // the same, only for the calling thread
int tk_set_name(const char *name);
// The system call with all 64 bits of `pid`. If `sets`, it sets the existing limits of open files of the tests.
int tk_prlimit_number(uint64_t pid, int sets);
int tk_set_own_limit(void);
int tk_socket(int domain);
// The system call of this name with six arguments. -ENOENT if it is not in the table of the source file.
long tk_system_call(const char *name, const long *arguments);
int tk_duplicate_to(int fd, int number);  // not close-on-exec
ssize_t tk_send_descriptors(int fd, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count);
int tk_pidfd_of_thread(int32_t thread);  // PIDFD_THREAD
int32_t tk_fork_as(int32_t pid);         // a child with this pid that waits to be killed
int tk_pidfd_of_process(int32_t pid);
int tk_socket_pair(int *ends);
int tk_pipe(int *ends);  // close-on-exec
int tk_event_descriptor(void);
int tk_lingering_socket(int seconds, int *other_end);  // the last close(2) blocks for this time
int tk_open_path_only(const char *path);
// Makes getsockopt(2) of this option in this thread fail with `error` or, if `error` is 0, return `length` zero bytes.
// The option -1 ends this. Returns how often the previous fault occurred.
int tk_fault_socket_option(int option, int error, uint32_t length);
// The system call. `new_limit` and `old_limit` are soft and hard limit, or NULL.
int tk_prlimit(int32_t pid, int resource, const uint64_t *new_limit, uint64_t *old_limit);
// Sends bytes with SCM_CREDENTIALS. The kernel checks that the caller may claim these ids.
ssize_t tk_send_credentials(int fd, const void *bytes, size_t count, int32_t pid, uint32_t uid, uint32_t gid);

// Makes the main thread of a process, which waits in a system call, make another one with the arguments -1. The first call
// then fails with EINTR. Returns the result of the other call. x86-64.
int tk_inject_call(pid_t pid, long number);

// Kills a process at a stop of its main thread. Each system call has two stops, before and after it. They are counted
// from now on.
struct tk_killer;
int tk_killer_start(pid_t pid, int stop_index, struct tk_killer **killer);
void tk_killer_stop(struct tk_killer *killer);  // detaches from the process at its next system call
int tk_killer_stops(struct tk_killer *killer);
int tk_killer_join(struct tk_killer *killer);  // returns 1 if the process was killed; frees `killer`

#endif
