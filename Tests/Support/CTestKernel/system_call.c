#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CTestKernel.h"

#define CALL(name) {#name, SYS_##name}

static const struct {
    const char *name;
    long number;
} calls[] = {
    CALL(execve), CALL(execveat), CALL(fork), CALL(vfork), CALL(setrlimit), CALL(ptrace), CALL(process_vm_readv),
    CALL(process_vm_writev), CALL(process_madvise), CALL(process_mrelease), CALL(kill), CALL(tkill), CALL(tgkill),
    CALL(rt_sigqueueinfo), CALL(rt_tgsigqueueinfo), CALL(pidfd_send_signal), CALL(pidfd_getfd), CALL(kcmp), CALL(mount),
    CALL(umount2), CALL(move_mount), CALL(open_tree), CALL(mount_setattr), CALL(fsopen), CALL(fsconfig), CALL(fsmount),
    CALL(fspick), CALL(pivot_root), CALL(chroot), CALL(unshare), CALL(setns), CALL(bpf), CALL(perf_event_open),
    CALL(userfaultfd), CALL(io_uring_setup), CALL(io_uring_enter), CALL(io_uring_register), CALL(init_module),
    CALL(finit_module), CALL(delete_module), CALL(kexec_load), CALL(kexec_file_load), CALL(keyctl), CALL(add_key),
    CALL(request_key), CALL(quotactl), CALL(quotactl_fd), CALL(swapon), CALL(swapoff), CALL(reboot),
    CALL(open_by_handle_at), CALL(mknod), CALL(mknodat), CALL(clock_settime), CALL(clock_adjtime), CALL(adjtimex),
    CALL(settimeofday), CALL(sched_setscheduler), CALL(sched_setattr), CALL(setpriority), CALL(ioprio_set), CALL(setuid),
    CALL(setgid), CALL(setreuid), CALL(setregid), CALL(setresuid), CALL(setresgid), CALL(setgroups), CALL(setfsuid),
    CALL(setfsgid), CALL(capset), CALL(chmod), CALL(fchmod), CALL(fchmodat), CALL(chown), CALL(fchown), CALL(lchown),
    CALL(fchownat), CALL(setxattr), CALL(lsetxattr), CALL(fsetxattr), CALL(link), CALL(linkat), CALL(symlink),
    CALL(symlinkat), CALL(acct), CALL(sethostname), CALL(setdomainname), CALL(iopl), CALL(ioperm), CALL(modify_ldt),
    CALL(personality), CALL(syslog), CALL(vhangup), CALL(memfd_secret), CALL(shmget), CALL(shmat), CALL(semget),
    CALL(msgget), CALL(mq_open), CALL(fanotify_init), CALL(clone), CALL(clone3), CALL(mmap), CALL(mprotect), CALL(ioctl),
    CALL(prctl), CALL(fcntl), CALL(socket), CALL(socketpair), CALL(setsockopt), CALL(getsockopt), CALL(memfd_create),
    CALL(pkey_mprotect), CALL(mlock), CALL(mlockall), CALL(bind), CALL(listen), CALL(mkdir), CALL(truncate),
    CALL(inotify_init1), CALL(splice), CALL(vmsplice), CALL(copy_file_range), CALL(seccomp), CALL(landlock_create_ruleset),
    CALL(name_to_handle_at), CALL(sync), CALL(setsid), CALL(setitimer), CALL(arch_prctl),
};

long tk_system_call(const char *name, const long *arguments) {
    for (size_t index = 0; index < sizeof calls / sizeof *calls; index++) {
        if (strcmp(calls[index].name, name) != 0) continue;
        long result = syscall(calls[index].number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                              arguments[5]);
        return result == -1 ? -errno : result;
    }
    return -ENOENT;
}
