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

struct tk_killer {
    pthread_t thread;
    pid_t pid;
    int stop_index;
    atomic_int stops;
    atomic_int error;
    atomic_bool is_ready, is_over, has_killed;
};

// Each system call stops twice, before and after it. All calls of ptrace(2) must come from the same thread.
static void *follow(void *argument) {
    struct tk_killer *killer = argument;
    pid_t pid = killer->pid;
    if (ptrace(PTRACE_SEIZE, pid, 0, (void *)(long)PTRACE_O_TRACESYSGOOD) != 0 ||
        ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0) {
        atomic_store(&killer->error, errno);
        atomic_store(&killer->is_ready, 1);
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
        if (is_call && atomic_fetch_add(&killer->stops, 1) == killer->stop_index) {
            kill(pid, SIGKILL);
            atomic_store(&killer->has_killed, 1);
            return NULL;
        }
        if (atomic_load(&killer->is_over)) {
            ptrace(PTRACE_DETACH, pid, 0, 0);
            return NULL;
        }
        int signal = is_call || status >> 16 != 0 ? 0 : WSTOPSIG(status);
        ptrace(PTRACE_SYSCALL, pid, 0, (void *)(long)signal);
        atomic_store(&killer->is_ready, 1);
    }
}

int tk_killer_start(pid_t pid, int stop_index, struct tk_killer **result) {
    struct tk_killer *killer = calloc(1, sizeof *killer);
    if (killer == NULL) return -ENOMEM;
    killer->pid = pid;
    killer->stop_index = stop_index;
    int error = pthread_create(&killer->thread, NULL, follow, killer);
    if (error != 0) {
        free(killer);
        return -error;
    }
    while (!atomic_load(&killer->is_ready) && !atomic_load(&killer->has_killed)) usleep(100);
    *result = killer;
    return -atomic_load(&killer->error);
}

void tk_killer_stop(struct tk_killer *killer) { atomic_store(&killer->is_over, 1); }
int tk_killer_stops(struct tk_killer *killer) { return atomic_load(&killer->stops); }

int tk_killer_join(struct tk_killer *killer) {
    pthread_join(killer->thread, NULL);
    int has_killed = atomic_load(&killer->has_killed);
    free(killer);
    return has_killed;
}
