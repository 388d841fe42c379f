// Counts the system calls that a process makes while a command runs. All its threads are traced, by ptrace(2), so the
// count is exact. A system call that was waiting when the trace began is not counted, unless the kernel restarts it.
//
//   system-calls PID COMMAND [ARGUMENT...]      prints a line "NUMBER COUNT" for each system call
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERS = 1024, OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE };

static uint64_t counts[NUMBERS];

static int fail(const char *what) {
    fprintf(stderr, "system-calls: %s: %s\n", what, strerror(errno));
    return 1;
}

// Attaches to every thread. PTRACE_SEIZE does not stop a thread, so each is stopped once and continues with tracing.
static int seize(const char *pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/task", pid);
    DIR *threads = opendir(path);
    if (threads == NULL) return fail(path);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        pid_t thread = (pid_t)atol(entry->d_name);
        if (thread <= 0) continue;
        if (ptrace(PTRACE_SEIZE, thread, 0, OPTIONS) != 0) return fail("PTRACE_SEIZE");
        if (ptrace(PTRACE_INTERRUPT, thread, 0, 0) != 0) return fail("PTRACE_INTERRUPT");
    }
    closedir(threads);
    return 0;
}

static void note_entry(pid_t thread) {
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr < NUMBERS) counts[info.entry.nr]++;
}

int main(int count, char **words) {
    if (count < 3) {
        fputs("usage: system-calls PID COMMAND [ARGUMENT...]\n", stderr);
        return 64;
    }
    if (seize(words[1]) != 0) return 1;
    pid_t command = fork();
    if (command == 0) {
        // Only the counts go to standard output.
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(words[2], words + 2);
        _exit(127);
    }
    int status;
    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0) return fail("waitpid");
        if (thread == command && (WIFEXITED(status) || WIFSIGNALED(status))) break;
        if (!WIFSTOPPED(status)) continue;
        int signal = WSTOPSIG(status), is_event = status >> 16 != 0;
        if (signal == (SIGTRAP | 0x80)) note_entry(thread);
        long passed_on = is_event || signal == (SIGTRAP | 0x80) ? 0 : signal;
        ptrace(PTRACE_SYSCALL, thread, 0, passed_on);
    }
    // The kernel detaches from all threads when this process ends.
    for (int number = 0; number < NUMBERS; number++)
        if (counts[number] > 0) printf("%d %llu\n", number, (unsigned long long)counts[number]);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}
