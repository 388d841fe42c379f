// What the tests share: checks that are counted, and an agent that answers whatever a test says.
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <pthread.h>

#include "internal.h"

void test(const char *name, void (*run)(void));
// "N passed, N failed"; the status to exit with.
int summary(void);
// Of the test that runs: notes that something is not so.
void failed(const char *file, int line, const char *what);
#define CHECK(condition)                                          \
    do {                                                          \
        if (!(condition)) failed(__FILE__, __LINE__, #condition); \
    } while (0)
#define CHECK_CODE(value, error, wanted)                                                                     \
    do {                                                                                                     \
        if ((value) != -1 || (error).code != (wanted))                                                       \
            failed(__FILE__, __LINE__, #value " is not " #wanted);                                           \
        if ((error).code != (wanted)) fprintf(stderr, "    %s: %s\n", rlimitd_code_name((error).code), (error).message); \
    } while (0)

struct scripted_agent {
    char folder[64];
    char path[96];
    int listener;
    pthread_t thread;
    // Serves one connection, which is closed then.
    void (*serve)(struct scripted_agent *scripted, int fd);
    _Atomic int connections, requests;
};

void start_scripted_agent(struct scripted_agent *scripted, void (*serve)(struct scripted_agent *scripted, int fd));
void stop_scripted_agent(struct scripted_agent *scripted);
struct rlimitd *open_scripted(const struct scripted_agent *scripted, uint32_t timeout_ms, uint32_t flags);

// The next request; NULL when the client has hung up. `descriptors` counts what came along.
Request *next_request(struct scripted_agent *scripted, int fd, int *descriptors);
void free_request(Request *request);
// Its frame.
size_t frame_of(const Response *response, unsigned char **frame);
void answer(int fd, const Response *response);
void send_bytes(int fd, const void *bytes, size_t count);

// Messages of a test, which live until it has ended.
Response *response_to(const Request *request);
Response *limits_response(const Request *request, uint64_t soft);
Response *error_response(uint64_t id, int code, const char *message);
int count_descriptors(void);

#endif
