// An agent whose answers a test writes.
#ifndef TESTS_SCRIPTED_AGENT_H
#define TESTS_SCRIPTED_AGENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "rlimitd.h"
#include "wire/protocol.h"

struct scripted_agent {
    char folder[64];
    char path[96];
    int listener;
    pthread_t thread;
    // Serves one connection, which is closed when it returns.
    void (*serve)(struct scripted_agent *scripted, int fd);
    _Atomic int connections, requests;
    // The script sees server_info. Otherwise `next_request` answers it as an agent that does not have it, so that the
    // client names other processes by pidfds.
    bool shows_server_info;
};

void start_scripted_agent(struct scripted_agent *scripted, void (*serve)(struct scripted_agent *scripted, int fd));
void stop_scripted_agent(struct scripted_agent *scripted);
struct rlimitd *open_scripted(const struct scripted_agent *scripted, uint32_t timeout_ms, uint32_t flags);

// The next request; NULL once the client has disconnected. `descriptors` counts the descriptors that came with it.
Request *next_request(struct scripted_agent *scripted, int fd, int *descriptors);
void free_request(Request *request);
// Encodes a response as a frame on the heap. Returns its length.
size_t frame_of(const Response *response, unsigned char **frame);
void answer(int fd, const Response *response);
void send_bytes(int fd, const void *bytes, size_t count);

// Responses, which last until the next one of the same kind.
Response *response_to(const Request *request);
Response *limits_response(const Request *request, uint64_t soft);
Response *error_response(uint64_t id, int code, const char *message);
int count_descriptors(void);

// Answers every get with soft limits of 1000, until the client disconnects.
void serve_well(struct scripted_agent *scripted, int fd);

#endif
