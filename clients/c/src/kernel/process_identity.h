// What distinguishes a process from later ones with the same pid.
#ifndef RLIMITD_PROCESS_IDENTITY_H
#define RLIMITD_PROCESS_IDENTITY_H

#include <stdint.h>
#include <sys/types.h>

enum process_identity_kind { IDENTITY_UNKNOWN, IDENTITY_INODE, IDENTITY_START_TIME };

struct process_identity {
    enum process_identity_kind kind;
    uint64_t value;
};

struct process_identity identity_of_process(int pidfd, pid_t pid);

#endif
