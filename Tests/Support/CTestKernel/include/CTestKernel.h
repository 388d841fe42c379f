// What tests do to the kernel and the product never does. Every function answers -errno where it failed.
#ifndef CTESTKERNEL_H
#define CTESTKERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "CTestCommand.h"

int tk_set_uids(uint32_t real, uint32_t effective, uint32_t saved);
int tk_set_effective_uid_of_thread(uint32_t uid);  // of the calling thread alone
int tk_set_gids(uint32_t real, uint32_t effective, uint32_t saved);
int tk_set_many_groups(uint32_t count);  // 100000 and up
int tk_set_name(const char *name);
// The system call itself, with all 64 bits of its arguments; what it sets are the limits of open files there are.
int tk_prlimit_number(uint64_t pid, int sets);
int tk_set_own_limit(void);
int tk_socket(int domain);
int tk_duplicate_to(int fd, int number);  // not close-on-exec
ssize_t tk_send_descriptors(int fd, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count);
int tk_pidfd_of_thread(int32_t thread);  // PIDFD_THREAD
int32_t tk_fork_as(int32_t pid);         // a child of that number, which waits to be killed
int tk_pidfd_of_process(int32_t pid);
int tk_socket_pair(int *ends);
int tk_pipe(int *ends);  // close-on-exec
int tk_event_descriptor(void);
int tk_lingering_socket(int seconds, int *other_end);  // its last close(2) waits that long
int tk_open_path_only(const char *path);
// From now on getsockopt(2) of this option, in this thread, fails with `error`, or answers `length` bytes of zeros where that is
// 0; -1 ends it. Tells how often it did the last one.
int tk_fault_socket_option(int option, int error, uint32_t length);
// The system call itself: two numbers each, soft and hard; `new_limit` and `old_limit` may be NULL.
int tk_prlimit(int32_t pid, int resource, const uint64_t *new_limit, uint64_t *old_limit);
// Bytes with SCM_CREDENTIALS, as far as the kernel lets us claim them.
ssize_t tk_send_credentials(int fd, const void *bytes, size_t count, int32_t pid, uint32_t uid, uint32_t gid);

// Kills a process at the place-th of the places in its main thread's system calls from now on: two for each, before and after it.
struct tk_killer;
int tk_killer_start(pid_t pid, int stop_index, struct tk_killer **killer);
void tk_killer_stop(struct tk_killer *killer);  // lets the process go on at its next system call
int tk_killer_stops(struct tk_killer *killer);
int tk_killer_join(struct tk_killer *killer);  // 1 where it was killed; `killer` is gone

#endif
