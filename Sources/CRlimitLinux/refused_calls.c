#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <ucontext.h>
#include <unistd.h>

#include "CRlimitLinux.h"
#include "result.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

// One bit for each number of a call.
static uint64_t refused[RL_REFUSED_CALL_LIMIT / 64];
static int refused_wakeup = -1;

static void set_result(ucontext_t *context, int64_t result) {
#if defined(__x86_64__)
    context->uc_mcontext.gregs[REG_RAX] = result;
#elif defined(__aarch64__)
    context->uc_mcontext.regs[0] = (uint64_t)result;
#else
#error "the register that holds the result of a system call"
#endif
}

// Only calls that are safe in a signal handler: the signal comes in the middle of any code.
static void refuse(int number, siginfo_t *info, void *context) {
    (void)number;
    if (info->si_code != SYS_SECCOMP) return;
    int error = errno;
    unsigned call = (unsigned)info->si_syscall < RL_REFUSED_CALL_LIMIT ? (unsigned)info->si_syscall
                                                                       : RL_REFUSED_CALL_LIMIT - 1;
    __atomic_fetch_or(&refused[call / 64], UINT64_C(1) << call % 64, __ATOMIC_RELAXED);
    set_result(context, -EPERM);
    uint64_t one = 1;
    ssize_t ignored = write(refused_wakeup, &one, sizeof one);
    (void)ignored;
    errno = error;
}

int rl_refused_calls_start(int wakeup) {
    refused_wakeup = wakeup;
    struct sigaction action = {.sa_sigaction = refuse, .sa_flags = SA_SIGINFO | SA_RESTART};
    return RESULT(sigaction(SIGSYS, &action, NULL));
}

int rl_refused_calls_next(void) {
    for (int index = 0; index < RL_REFUSED_CALL_LIMIT / 64; index++) {
        uint64_t bits = __atomic_load_n(&refused[index], __ATOMIC_RELAXED);
        if (bits == 0) continue;
        int bit = __builtin_ctzll(bits);
        __atomic_fetch_and(&refused[index], ~(UINT64_C(1) << bit), __ATOMIC_RELAXED);
        return index * 64 + bit;
    }
    return -1;
}
