// The same service in plain C without the features of a deployment: no policy, no quotas and no audit. The
// benchmarks compare the agent with it.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "loop.h"

static int usage(void) {
    fputs("usage: baseline-server [--spin MICROSECONDS] SOCKET\n", stderr);
    return 64;
}

static int fail(const char *what, int number) {
    fprintf(stderr, "baseline-server: %s: %s\n", what, strerror(number));
    return 1;
}

int main(int count, char **words) {
    unsigned long spin = 0;
    int index = 1;
    if (count == 4 && strcmp(words[1], "--spin") == 0) {
        char *end;
        spin = strtoul(words[2], &end, 10);
        if (*end != '\0' || end == words[2] || spin > 1000000) return usage();
        index = 3;
    }
    if (count != index + 1 || words[index][0] == '-') return usage();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(words[index]) >= sizeof address.sun_path) return fail(words[index], ENAMETOOLONG);
    strcpy(address.sun_path, words[index]);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) return fail("socket", errno);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) return fail(words[index], errno);
    // Every user can connect, as with the agent.
    if (chmod(words[index], 0666) != 0) return fail("chmod", errno);
    if (listen(listener, 4096) != 0) return fail("listen", errno);
    return fail("epoll", serve(listener, spin * 1000));
}
