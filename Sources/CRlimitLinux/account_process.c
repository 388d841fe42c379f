#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CRlimitLinux.h"
#include "result.h"

int rl_message_pair(int ends[2]) { return RESULT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)); }

// The child keeps one descriptor, as number 3, and none of the parent's signal dispositions and files.
int32_t rl_fork_keeping(int kept) {
    pid_t child = fork();
    if (child != 0) return RESULT(child);
    int null = open("/dev/null", O_RDWR);
    for (int stream = 0; stream < 3 && null >= 0; stream++) dup2(null, stream);
    if (kept != 3 && dup2(kept, 3) != 3) _exit(1);
    if (syscall(SYS_close_range, 4u, ~0u, 0u) != 0) _exit(1);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGHUP, SIG_IGN);
    return 0;
}

int rl_set_ids(uint32_t uid, uint32_t gid) {
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) return -errno;
    return 0;
}

// The ids of a user, or the id of a group twice. 1 if there is none, -errno if that is unknown.
static int look_up(const struct rl_account_request *request, struct rl_account_answer *answer) {
    for (size_t size = 4096; size <= 1 << 24; size *= 4) {
        char *buffer = malloc(size);
        if (buffer == NULL) return -ENOMEM;
        struct passwd user, *found_user = NULL;
        struct group group, *found_group = NULL;
        int error = request->is_group ? getgrnam_r(request->name, &group, buffer, size, &found_group)
                                      : getpwnam_r(request->name, &user, buffer, size, &found_user);
        if (found_user != NULL) {
            answer->id = user.pw_uid;
            answer->gid = user.pw_gid;
        } else if (found_group != NULL) {
            answer->id = answer->gid = group.gr_gid;
        }
        free(buffer);
        if (found_user != NULL || found_group != NULL) return 0;
        // getpwnam(3) lists these for a name that does not exist. EPERM and EBADF can also be faults.
        if (error == 0 || error == ENOENT || error == ESRCH) return 1;
        if (error != ERANGE && error != EINTR) return -error;
    }
    return -ERANGE;
}

static _Noreturn void answer_request(const struct rl_account_request *request) {
    struct rl_account_answer answer = {.sequence = request->sequence};
    answer.result = look_up(request, &answer);
    if (send(3, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer) _exit(1);
    _exit(0);
}

void rl_account_serve(int64_t limit_milliseconds, void (*confine)(void)) {
    struct rl_account_request request;
    const struct rl_account_answer ready = {.sequence = 0};
    if (send(3, &ready, sizeof ready, MSG_NOSIGNAL) != sizeof ready) _exit(1);
    while (recv(3, &request, sizeof request, 0) == sizeof request) {
        request.name[sizeof request.name - 1] = '\0';
        struct rl_account_answer failure = {.sequence = request.sequence};
        // Processes that were killed in an uninterruptible wait end later.
        while (waitpid(-1, NULL, WNOHANG) > 0) {}
        pid_t worker = fork();
        if (worker == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            confine();
            answer_request(&request);
        }
        int pidfd = worker > 0 ? (int)syscall(SYS_pidfd_open, worker, 0) : -1;
        if (worker < 0 || pidfd < 0) {
            failure.result = -errno;
        } else {
            // The other end is closed when the agent ends.
            struct pollfd events[] = {{.fd = pidfd, .events = POLLIN}, {.fd = 3, .events = 0}};
            int ready;
            do ready = poll(events, 2, (int)limit_milliseconds);
            while (ready < 0 && errno == EINTR);
            if (events[1].revents != 0) {
                kill(worker, SIGKILL);
                _exit(0);
            }
            int status = 0;
            if (ready <= 0) {
                failure.result = -ETIMEDOUT;
            } else if (waitpid(worker, &status, 0) == worker && status != 0) {
                failure.result = -ECHILD;
            }
        }
        if (worker > 0 && failure.result != 0) kill(worker, SIGKILL);
        if (pidfd >= 0) close(pidfd);
        if (failure.result != 0 && send(3, &failure, sizeof failure, MSG_NOSIGNAL) != sizeof failure) break;
    }
    _exit(0);
}

int rl_account_ask(int fd, const struct rl_account_request *request) {
    ssize_t sent = send(fd, request, sizeof *request, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent == sizeof *request ? 0 : -errno;
}

int rl_account_receive(int fd, uint64_t sequence, struct rl_account_answer *answer, int64_t limit_milliseconds) {
    while (1) {
        struct pollfd event = {.fd = fd, .events = POLLIN};
        int ready = poll(&event, 1, (int)limit_milliseconds);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return ready < 0 ? -errno : -ETIMEDOUT;
        ssize_t count = recv(fd, answer, sizeof *answer, MSG_DONTWAIT);
        if (count != sizeof *answer) return count < 0 ? -errno : -EPIPE;
        // An earlier worker may answer after its time limit.
        if (answer->sequence == sequence) return 0;
    }
}

int rl_wait_for_child(int32_t pid) {
    pid_t ended;
    do ended = waitpid(pid, NULL, 0);
    while (ended < 0 && errno == EINTR);
    return ended < 0 ? -errno : 0;
}
