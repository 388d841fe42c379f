// Counts the user instructions of a thread while a command runs, by single steps with ptrace(2). The count is exact and
// needs no counters of the processor.
//
//   steps PID FILE COMMAND [ARGUMENT...]      prints the count, and writes unsorted lines "ADDRESS COUNT" to FILE
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLACES = 1 << 18 };

static struct {
    uint64_t address, count;
} places[PLACES];

static void note(uint64_t address) {
    for (uint64_t place = address * 0x9e3779b97f4a7c15u >> 46;; place = (place + 1) % PLACES) {
        if (places[place].count == 0) places[place].address = address;
        if (places[place].address != address) continue;
        places[place].count++;
        return;
    }
}

static int fail(const char *what) {
    fprintf(stderr, "steps: %s: %s\n", what, strerror(errno));
    return 1;
}

int main(int count, char **words) {
    if (count < 4) {
        fputs("usage: steps PID FILE COMMAND [ARGUMENT...]\n", stderr);
        return 64;
    }
    pid_t pid = (pid_t)atol(words[1]);
    FILE *file = fopen(words[2], "w");
    if (file == NULL) return fail(words[2]);
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) return fail("PTRACE_SEIZE");
    if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0) return fail("PTRACE_INTERRUPT");
    pid_t command = fork();
    if (command == 0) {
        // Only the count goes to standard output.
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(words[3], words + 3);
        _exit(127);
    }
    uint64_t steps = 0;
    int is_over = 0, stops = 0, result = 1, status;
    for (;;) {
        pid_t who = waitpid(-1, &status, __WALL);
        if (who == command && (WIFEXITED(status) || WIFSIGNALED(status))) {
            result = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
            is_over = 1;
            ptrace(PTRACE_INTERRUPT, pid, 0, 0);
            continue;
        }
        if (who != pid || !WIFSTOPPED(status)) return fail("the traced thread ended");
        int is_event = status >> 16 != 0, signal = WSTOPSIG(status);
        if (is_over) {
            // Continues without steps until no trap of the last step is pending. Such a trap would end the process
            // after the detach.
            if (is_event && ++stops == 2) break;
            ptrace(PTRACE_CONT, pid, 0, signal == SIGTRAP || is_event ? 0 : signal);
            if (is_event) {
                usleep(20000);
                ptrace(PTRACE_INTERRUPT, pid, 0, 0);
            }
            continue;
        }
        if (signal == SIGTRAP && !is_event) {
            struct user_regs_struct registers;
            if (ptrace(PTRACE_GETREGS, pid, 0, &registers) == 0) note(registers.rip);
            steps++;
        }
        long passed_on = signal == SIGTRAP || is_event ? 0 : signal;
        if (ptrace(PTRACE_SINGLESTEP, pid, 0, passed_on) != 0) return fail("PTRACE_SINGLESTEP");
    }
    ptrace(PTRACE_DETACH, pid, 0, 0);
    printf("%llu\n", (unsigned long long)steps);
    for (int place = 0; place < PLACES; place++)
        if (places[place].count > 0)
            fprintf(file, "%llx %llu\n", (unsigned long long)places[place].address, (unsigned long long)places[place].count);
    return result;
}
