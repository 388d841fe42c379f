#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CTestKernel.h"

struct tk_killing {
    pthread_t thread;
    pid_t pid;
    int place;
    atomic_int passed;
    atomic_int error;
    atomic_bool is_ready, is_over, has_killed;
};

// Each system call stops twice, before and after: those are the places. All of ptrace(2) must come from one thread.
static void *follow(void *argument) {
    struct tk_killing *killing = argument;
    pid_t pid = killing->pid;
    if (ptrace(PTRACE_SEIZE, pid, 0, (void *)(long)PTRACE_O_TRACESYSGOOD) != 0 ||
        ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0) {
        atomic_store(&killing->error, errno);
        atomic_store(&killing->is_ready, 1);
        return NULL;
    }
    while (1) {
        int status;
        pid_t found = waitpid(pid, &status, __WALL | WNOHANG);
        if (found == 0) {
            usleep(20);
            continue;
        }
        if (found < 0 || !WIFSTOPPED(status)) return NULL;
        int is_call = WSTOPSIG(status) == (SIGTRAP | 0x80);
        if (is_call && atomic_fetch_add(&killing->passed, 1) == killing->place) {
            kill(pid, SIGKILL);
            atomic_store(&killing->has_killed, 1);
            return NULL;
        }
        if (atomic_load(&killing->is_over)) {
            ptrace(PTRACE_DETACH, pid, 0, 0);
            return NULL;
        }
        int signal = is_call || status >> 16 != 0 ? 0 : WSTOPSIG(status);
        ptrace(PTRACE_SYSCALL, pid, 0, (void *)(long)signal);
        atomic_store(&killing->is_ready, 1);
    }
}

int tk_killing_start(pid_t pid, int place, struct tk_killing **result) {
    struct tk_killing *killing = calloc(1, sizeof *killing);
    if (killing == NULL) return -ENOMEM;
    killing->pid = pid;
    killing->place = place;
    int error = pthread_create(&killing->thread, NULL, follow, killing);
    if (error != 0) {
        free(killing);
        return -error;
    }
    while (!atomic_load(&killing->is_ready) && !atomic_load(&killing->has_killed)) usleep(100);
    *result = killing;
    return -atomic_load(&killing->error);
}

void tk_killing_end(struct tk_killing *killing) { atomic_store(&killing->is_over, 1); }
int tk_killing_passed(struct tk_killing *killing) { return atomic_load(&killing->passed); }

int tk_killing_join(struct tk_killing *killing) {
    pthread_join(killing->thread, NULL);
    int has_killed = atomic_load(&killing->has_killed);
    free(killing);
    return has_killed;
}
