// Calls that Swift cannot import from the C library, or for which it needs errno.
//
// Nearly every function is one call with plain arguments. It returns the result of the call, or -errno, so that Swift
// never reads errno after another call has changed it. No function retries.
#ifndef CRLIMITLINUX_H
#define CRLIMITLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Descriptors and files.

struct rl_file_status {
    uint64_t device;
    uint64_t inode;
    int64_t size;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint64_t links;
};

enum rl_open_flags {
    RL_OPEN_READ = 1,
    RL_OPEN_DIRECTORY = 2,
    RL_OPEN_NO_FOLLOW = 4,
    RL_OPEN_PATH_ONLY = 8,
};

int rl_open(const char *path, int flags);  // any of rl_open_flags; always close-on-exec
// openat2(2): a path beneath a folder, without "..", symbolic links and mount points.
int rl_open_beneath(int directory_fd, const char *path, int flags);
// fstatfs(2): 2 or 1 for the file system of cgroups of that version, 0 for any other.
int rl_cgroup_version(int fd);
int rl_close(int fd);
ssize_t rl_read(int fd, void *bytes, size_t count);
ssize_t rl_read_at(int fd, void *bytes, size_t count, int64_t position);
ssize_t rl_write(int fd, const void *bytes, size_t count);
int rl_file_status(int fd, struct rl_file_status *status);
int rl_path_status(const char *path, int follow, struct rl_file_status *status);
int rl_make_directory(const char *path, uint32_t mode);
int rl_change_mode(const char *path, uint32_t mode);
int rl_change_owner(int fd, uint32_t uid, uint32_t gid);
int rl_unlink(const char *path);
// Files in an open folder. Names have no slash.
int rl_create_at(int directory_fd, const char *name);     // creates with mode 0600, for writing; EEXIST if it exists
int rl_open_file_at(int directory_fd, const char *name);  // for reading; follows no symbolic link, does not block
int rl_rename_at(int directory_fd, const char *from, const char *to);  // replaces the target
int rl_unlink_at(int directory_fd, const char *name);
int rl_is_regular(uint32_t mode);  // 1 or 0
int rl_is_read_only(const char *path);  // 1 or 0, for the mount that holds the path
ssize_t rl_read_link(const char *path, char *text, size_t count);
int rl_lock_exclusive(int fd);  // EWOULDBLOCK if it is locked
int rl_set_nonblocking(int fd, int on);
int rl_set_close_on_exec(int fd);
int rl_duplicate(int fd);         // close-on-exec
int rl_duplicate_for_exec(int fd, int min_fd);  // stays open in execve(2)
int rl_window_size(int fd, int *columns, int *rows);  // ENOTTY if it is not a terminal
int rl_descriptor_flags(int fd);  // F_GETFL

enum rl_poll_events { RL_POLL_IN = 1, RL_POLL_OUT = 2, RL_POLL_ERROR = 4, RL_POLL_HANGUP = 8 };

// Waits without a limit if milliseconds < 0. *revents is a set of rl_poll_events.
int rl_poll(int fd, int events, int milliseconds, int *revents);

// Directories.

// Offsets in an entry of getdents64(2): of its length, two bytes, and of its name, which ends with NUL.
enum { RL_ENTRY_LENGTH_OFFSET = 16, RL_ENTRY_NAME_OFFSET = 19 };
ssize_t rl_directory_read(int fd, void *entries, size_t size);

struct rl_directory;
int rl_directory_adopt(int fd, struct rl_directory **directory);  // rl_directory_close then closes fd too
int rl_directory_next(struct rl_directory *directory, const char **name);  // 1, 0 at the end, -errno
int rl_directory_next_folder(struct rl_directory *directory, const char **name);  // 1, 0 at the end, -errno; not "." and ".."
int rl_directory_number(struct rl_directory *directory);
void rl_directory_close(struct rl_directory *directory);

// Unix sockets. A path is `count` bytes without a NUL; a name that begins with NUL is abstract.

enum { RL_SOCKET_PATH_SIZE = 108 };

// The number is at least 3.
int rl_stream_socket(void);
int rl_datagram_socket(void);
int rl_connect(int fd, const void *path, size_t count);
int rl_bind(int fd, const void *path, size_t count);
int rl_listen(int fd, int backlog);
int rl_accept(int fd);
int rl_set_send_timeout(int fd, int64_t nanoseconds);
int rl_wait_readable(int fd, int64_t nanoseconds);  // negative: without a limit; returns 0 on a timeout
int rl_shutdown(int fd);  // both ways
// These never block, even if the descriptor is blocking.
ssize_t rl_receive(int fd, void *bytes, size_t count);
ssize_t rl_send(int fd, const void *bytes, size_t count);
ssize_t rl_send_descriptor(int fd, const void *bytes, size_t count, int descriptor);

enum { RL_MAX_DESCRIPTOR_COUNT = 253 };  // SCM_MAX_FD: the maximum of one sendmsg(2)

struct rl_received {
    int count;         // of descriptors
    int is_truncated;  // the buffer was too small; the kernel closed the rest
    int has_other;     // ancillary data other than descriptors
};

// `descriptors` has room for RL_MAX_DESCRIPTOR_COUNT.
ssize_t rl_receive_descriptors(int fd, void *bytes, size_t count, int *descriptors, struct rl_received *received);

// MSG_PEEK: *has_ancillary is 1 if descriptors or other ancillary data come with the last of the bytes.
ssize_t rl_peek(int fd, void *bytes, size_t count, int *has_ancillary);
int rl_queued(int fd);  // the number of bytes in the receive queue
int rl_unread(int fd);  // the memory in bytes of what was sent and the peer has not read

enum rl_socket_option {
    RL_SOCKET_IS_LISTENING,
    RL_SOCKET_DOMAIN,
    RL_SOCKET_TYPE,
    RL_SOCKET_PASS_CREDENTIALS,
    RL_SOCKET_PASS_SECURITY,
    RL_SOCKET_PASS_PIDFD,
    RL_SOCKET_PASS_RIGHTS,
    RL_SOCKET_SEND_BUFFER,
};

int rl_socket_option(int fd, enum rl_socket_option option, int *value);
int rl_set_socket_option(int fd, enum rl_socket_option option, int value);
int rl_domain_unix(void);
int rl_type_stream(void);

// The identity of the peer. Lengths are in bytes, in and out.

struct rl_peer_credentials {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};

int rl_peer_credentials(int fd, struct rl_peer_credentials *credentials, uint32_t *length);
int rl_peer_groups(int fd, uint32_t *groups, uint32_t *length);
int rl_peer_security(int fd, char *label, uint32_t *length);
int rl_peer_pidfd(int fd, int *pidfd, uint32_t *length);

// Processes.

enum rl_pidfd_info_mask { RL_PIDFD_INFO_PID = 1, RL_PIDFD_INFO_CREDS = 2, RL_PIDFD_INFO_CGROUPID = 4, RL_PIDFD_INFO_EXIT = 8 };

// struct pidfd_info of <linux/pidfd.h>, in its first published size.
struct rl_pidfd_info {
    uint64_t mask;
    uint64_t cgroupid;
    uint32_t pid;
    uint32_t tgid;
    uint32_t ppid;
    uint32_t ruid;
    uint32_t rgid;
    uint32_t euid;
    uint32_t egid;
    uint32_t suid;
    uint32_t sgid;
    uint32_t fsuid;
    uint32_t fsgid;
    int32_t exit_code;
};

enum { RL_PIDFD_THREAD_FLAG = 0200 };  // PIDFD_THREAD, which is O_EXCL

int rl_pidfd_open(int32_t pid, uint32_t flags);
int rl_pidfd_info(int pidfd, struct rl_pidfd_info *info);
int rl_pidfd_is_unique(int pidfd);  // 1 if its inode identifies the process until the next boot (pidfs), else 0
int rl_pidfd_wait(int pidfd);  // never reaps, never blocks; EBADF if it is not a pidfd

// struct rlimit64, for any width of rlim_t.
struct rl_limit {
    uint64_t soft;
    uint64_t hard;
};

int rl_prlimit(int32_t pid, int resource, const struct rl_limit *new_limit, struct rl_limit *old_limit);

struct rl_usage {
    int64_t user_seconds, user_microseconds;
    int64_t system_seconds, system_microseconds;
    int64_t max_resident_kibibytes;
    int64_t minor_faults, major_faults;
    int64_t block_inputs, block_outputs;
    int64_t voluntary_switches, involuntary_switches;
};

enum rl_usage_who { RL_USAGE_PROCESS, RL_USAGE_CHILDREN, RL_USAGE_THREAD };

int rl_usage(enum rl_usage_who who, struct rl_usage *usage);
int64_t rl_page_size(void);
int64_t rl_clock_ticks(void);
int32_t rl_process_id(void);
int32_t *rl_wiped_on_fork(void);  // 0 in every child after fork(2); NULL if the kernel lacks MADV_WIPEONFORK
int32_t rl_process_id_cached(int32_t *cache);  // a system call only the first time
int32_t rl_parent_id(void);
int32_t rl_thread_id(void);
// Unmaps the read-only pages of the program and its libraries. Pages that are used again are read from the files.
void rl_drop_code_pages(void);
// Of the calling thread, in nanoseconds; 0 if the kernel does not report it.
int rl_time_slice(uint64_t *nanoseconds);
int rl_set_time_slice(uint64_t nanoseconds);  // not inherited; without effect before Linux 6.12
int rl_processor_count(void);  // of the machine
const char *rl_secure_environment(const char *name);  // NULL also in a program with more privileges than its caller
uint32_t rl_effective_uid(void);
uint32_t rl_effective_gid(void);
int rl_execute(const char *file, char *const *arguments);

// Privileges of the calling thread; dumpable applies to the process.

int rl_set_no_new_privileges(void);
int rl_set_dumpable(int on);
int rl_set_name(const char *name);
int rl_clear_ambient(void);

// Calls that a seccomp filter refuses with SECCOMP_RET_TRAP. They fail with EPERM, also in the middle of another library.

enum { RL_REFUSED_CALL_LIMIT = 1024 };

int rl_refused_calls_start(int wakeup);  // handles SIGSYS in all threads, and signals the wakeup after each call
int rl_refused_calls_next(void);         // the number of a call that was refused since it was returned last; -1 if there is none

// The process that looks up users and groups. Its end of the pair is descriptor 3.

enum { RL_ACCOUNT_NAME_SIZE = 256 };

struct rl_account_request {
    uint64_t sequence;
    int32_t is_group;
    char name[RL_ACCOUNT_NAME_SIZE];  // with a zero byte
};

struct rl_account_answer {
    uint64_t sequence;
    int32_t result;  // 0 if it was found, 1 if there is none, -errno if that is unknown
    uint32_t id;
    uint32_t gid;  // of a user, the primary group
};

int rl_message_pair(int ends[2]);
int32_t rl_fork_keeping(int kept);  // 0 in the child, which has this descriptor as number 3 and no other files
int rl_set_ids(uint32_t uid, uint32_t gid);  // all of them, and no supplementary groups
// Answers requests until the other end is closed, each in a new process that calls `confine` first. Does not return.
void rl_account_serve(int64_t limit_milliseconds, void (*confine)(void));
int rl_account_ask(int fd, const struct rl_account_request *request);
// The answer with this sequence number. The process sends the number 0 when it is ready.
int rl_account_receive(int fd, uint64_t sequence, struct rl_account_answer *answer, int64_t limit_milliseconds);
int rl_wait_for_child(int32_t pid);

// Waiting.

enum rl_epoll_interest { RL_EPOLL_IN = 1, RL_EPOLL_OUT = 2, RL_EPOLL_HANGUP = 4, RL_EPOLL_ERROR = 8, RL_EPOLL_READ_CLOSED = 16 };

struct rl_event {
    uint64_t token;
    uint32_t revents;  // of rl_epoll_interest
};

int rl_wakeup_open(void);  // nonblocking
int rl_wakeup_signal(int wakeup);
int rl_wakeup_reset(int wakeup);

int rl_epoll_create(void);
int rl_epoll_add(int epoll, int fd, uint32_t interest, uint64_t token);
int rl_epoll_change(int epoll, int fd, uint32_t interest, uint64_t token);
int rl_epoll_remove(int epoll, int fd);
size_t rl_epoll_event_size(void);
int rl_epoll_wait(int epoll, void *events, int capacity, int milliseconds);
struct rl_event rl_epoll_event(const void *events, int index);

int rl_signal_descriptor(const int *signals, size_t count);  // they must be blocked
int rl_signal_next(int fd);                                  // the number
int rl_signal_block(const int *signals, size_t count, int block);
int rl_signal_raise(int signal);
int rl_signal_ignore(int signal);

// Sends SIGURG to the calling thread at an interval, so that its system calls are interrupted, until stopped.
int rl_interrupt_start(int64_t interval_nanoseconds, void **interrupter);
void rl_interrupt_stop(void *interrupter);

int rl_timer_open(void);  // CLOCK_BOOTTIME
int rl_timer_set(int timer, uint64_t nanoseconds);  // since boot; 0: never
ssize_t rl_random(void *bytes, size_t count);  // at most 256 bytes for each call

enum rl_clock { RL_CLOCK_MONOTONIC, RL_CLOCK_BOOT };
int64_t rl_clock(enum rl_clock clock);  // nanoseconds

#endif
