#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "CTestKernel.h"

static int stopped(pid_t pid, int *status) {
    if (waitpid(pid, status, __WALL) != pid) return -errno;
    return WIFSTOPPED(*status) ? 0 : -ESRCH;
}

// The process waits in a system call. It makes another one instead, and the handler of SIGSYS runs. Then the interrupted
// call fails with EINTR.
static int inject(pid_t pid, long number) {
    int status;
    int error = stopped(pid, &status);
    if (error != 0) return error;
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) != 0) return -errno;
    registers.rip -= 2;  // the size of the instruction "syscall"
    registers.rax = (unsigned long long)number;
    registers.orig_rax = (unsigned long long)-1;
    registers.rdi = registers.rsi = registers.rdx = registers.r10 = registers.r8 = registers.r9 = (unsigned long long)-1;
    if (ptrace(PTRACE_SETREGS, pid, NULL, &registers) != 0) return -errno;
    int signal = 0, was_trapped = 0;
    for (int stop = 0; stop < 100; stop++) {
        if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal) != 0) return -errno;
        if ((error = stopped(pid, &status)) != 0) return error;
        signal = WSTOPSIG(status) == SIGSYS ? SIGSYS : 0;
        if (signal == SIGSYS) was_trapped = 1;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;
        struct __ptrace_syscall_info info;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0) return -errno;
        if (info.op != PTRACE_SYSCALL_INFO_EXIT) continue;
        if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) != 0) return -errno;
        // After SIGSYS: the end of rt_sigreturn(2), which restored the registers, with the result of the handler. Before
        // it, a call that the filter stopped shows its own number.
        long long result = (long long)registers.rax;
        if (was_trapped ? result != -EPERM : result == number) continue;
        registers.rax = (unsigned long long)-EINTR;
        return ptrace(PTRACE_SETREGS, pid, NULL, &registers) == 0 ? (int)result : -errno;
    }
    return -ETIMEDOUT;
}

int tk_inject_call(pid_t pid, long number) {
    if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) != 0) return -errno;
    if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0) return -errno;
    int result = inject(pid, number);
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return result;
}
