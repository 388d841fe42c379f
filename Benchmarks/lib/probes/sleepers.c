// Starts many sleeping threads or processes.
//
//   sleepers threads|processes NUMBER      prints "ready" when all exist, and then sleeps
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void *sleep_for_ever(void *nothing) {
    for (;;) pause();
    return nothing;
}

static int add_thread(void) {
    static pthread_attr_t attributes;
    static int is_ready;
    pthread_t thread;
    if (!is_ready) {
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 32768);
        is_ready = 1;
    }
    return pthread_create(&thread, &attributes, sleep_for_ever, NULL);
}

static int add_process(void) {
    pid_t child = fork();
    if (child != 0) return child < 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sleep_for_ever(NULL);
    return 0;
}

int main(int count, char **words) {
    if (count != 3 || (strcmp(words[1], "threads") != 0 && strcmp(words[1], "processes") != 0)) {
        fputs("usage: sleepers threads|processes NUMBER\n", stderr);
        return 64;
    }
    // This process is one of them.
    for (long number = atol(words[2]); number > 1; number--) {
        if ((words[1][0] == 't' ? add_thread() : add_process()) != 0) {
            perror("sleepers");
            return 1;
        }
    }
    puts("ready");
    fflush(stdout);
    sleep_for_ever(NULL);
}
