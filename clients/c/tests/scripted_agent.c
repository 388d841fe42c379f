#include "scripted_agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kernel/procfs.h"

static void *serve_all(void *data) {
    struct scripted_agent *scripted = data;
    while (true) {
        int fd = accept4(scripted->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) return NULL;
        scripted->connections++;
        scripted->serve(scripted, fd);
        close(fd);
    }
}

void start_scripted_agent(struct scripted_agent *scripted, void (*serve)(struct scripted_agent *scripted, int fd)) {
    *scripted = (struct scripted_agent){.folder = "/tmp/rlimitd-test.XXXXXX", .serve = serve};
    if (mkdtemp(scripted->folder) == NULL) abort();
    snprintf(scripted->path, sizeof scripted->path, "%s/socket", scripted->folder);
    scripted->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, scripted->path);
    if (bind(scripted->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(scripted->listener, 16) != 0) {
        abort();
    }
    if (pthread_create(&scripted->thread, NULL, serve_all, scripted) != 0) abort();
}

void stop_scripted_agent(struct scripted_agent *scripted) {
    shutdown(scripted->listener, SHUT_RDWR);
    pthread_join(scripted->thread, NULL);
    close(scripted->listener);
    unlink(scripted->path);
    rmdir(scripted->folder);
}

struct rlimitd *open_scripted(const struct scripted_agent *scripted, uint32_t timeout_ms, uint32_t flags) {
    struct rlimitd_options options = {.socket = scripted->path, .timeout_ms = timeout_ms, .flags = flags};
    struct rlimitd *agent = rlimitd_open(&options, NULL);
    if (agent == NULL) abort();
    return agent;
}

// False at the end of the connection. Closes and counts the descriptors that come with the bytes.
static bool receive_all(int fd, unsigned char *bytes, size_t count, int *descriptors) {
    for (size_t got = 0; got < count;) {
        union {
            struct cmsghdr header;
            char bytes[CMSG_SPACE(4 * sizeof(int))];
        } control;
        struct iovec vector = {.iov_base = bytes + got, .iov_len = count - got};
        struct msghdr message = {
            .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
        ssize_t some = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        if (some < 0 && errno == EINTR) continue;
        if (some <= 0) return false;
        got += (size_t)some;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header == NULL) continue;
        int received[4];
        size_t size = header->cmsg_len - CMSG_LEN(0);
        memcpy(received, CMSG_DATA(header), size);
        for (size_t i = 0; i < size / sizeof *received; i++) close(received[i]);
        if (descriptors != NULL) *descriptors += (int)(size / sizeof *received);
    }
    return true;
}

static Request *next_request_of_any(struct scripted_agent *scripted, int fd, int *descriptors) {
    unsigned char header[4], bytes[MAX_REQUEST_SIZE];
    if (!receive_all(fd, header, 4, descriptors)) return NULL;
    size_t length = (size_t)header[2] << 8 | header[3];
    if (header[0] != 0 || header[1] != 0 || length > sizeof bytes) abort();
    if (!receive_all(fd, bytes, length, descriptors)) return NULL;
    Request *request = rlimitd__v1__request__unpack(NULL, length, bytes);
    bool is_info = request != NULL && request->operation_case == RLIMITD__V1__REQUEST__OPERATION_SERVER_INFO;
    if (scripted->shows_server_info || !is_info) scripted->requests++;
    return request;
}

Request *next_request(struct scripted_agent *scripted, int fd, int *descriptors) {
    Request *request;
    while ((request = next_request_of_any(scripted, fd, descriptors)) != NULL) {
        bool is_info = request->operation_case == RLIMITD__V1__REQUEST__OPERATION_SERVER_INFO;
        if (scripted->shows_server_info || !is_info) break;
        answer(fd, error_response(request->id, RLIMITD__V1__ERROR_CODE__ERROR_CODE_UNSUPPORTED, "no server_info"));
        free_request(request);
    }
    return request;
}

void free_request(Request *request) { rlimitd__v1__request__free_unpacked(request, NULL); }

void send_bytes(int fd, const void *bytes, size_t count) {
    for (size_t sent = 0; sent < count;) {
        ssize_t some = send(fd, (const char *)bytes + sent, count - sent, MSG_NOSIGNAL);
        if (some < 0 && errno != EINTR) return;
        if (some > 0) sent += (size_t)some;
    }
}

size_t frame_of(const Response *response, unsigned char **frame) {
    size_t length = rlimitd__v1__response__get_packed_size(response);
    *frame = malloc(length + 4);
    for (int i = 0; i < 4; i++) (*frame)[i] = (unsigned char)(length >> (8 * (3 - i)));
    rlimitd__v1__response__pack(response, *frame + 4);
    return length + 4;
}

void answer(int fd, const Response *response) {
    unsigned char *frame;
    size_t count = frame_of(response, &frame);
    send_bytes(fd, frame, count);
    free(frame);
}

void serve_well(struct scripted_agent *scripted, int fd) {
    Request *request;
    while ((request = next_request(scripted, fd, NULL)) != NULL) {
        answer(fd, limits_response(request, 1000));
        free_request(request);
    }
}

// ---- Messages, which are static, so one thread at a time can use them

Response *response_to(const Request *request) {
    static Response response;
    rlimitd__v1__response__init(&response);
    response.has_id = 1;
    response.id = request->id;
    return &response;
}

Response *limits_response(const Request *request, uint64_t soft) {
    static Rlimitd__V1__LimitList list;
    static Rlimitd__V1__ResourceLimit entries[RLIMITD_RESOURCES], *pointers[RLIMITD_RESOURCES];
    static Rlimitd__V1__Limit limits[RLIMITD_RESOURCES];
    Response *response = response_to(request);
    rlimitd__v1__limit_list__init(&list);
    list.limits = pointers;
    for (size_t i = 0; i < request->get->n_resources && i < RLIMITD_RESOURCES; i++) {
        rlimitd__v1__limit__init(&limits[i]);
        limits[i].has_soft = limits[i].has_hard = 1;
        limits[i].soft = soft;
        limits[i].hard = soft + (uint64_t)request->get->resources[i];
        rlimitd__v1__resource_limit__init(&entries[i]);
        entries[i].has_resource = 1;
        entries[i].resource = request->get->resources[i];
        entries[i].limit = &limits[i];
        pointers[list.n_limits++] = &entries[i];
    }
    response->outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_LIMITS;
    response->limits = &list;
    return response;
}

Response *error_response(uint64_t id, int code, const char *message) {
    static Response response;
    static Rlimitd__V1__Error error;
    rlimitd__v1__response__init(&response);
    rlimitd__v1__error__init(&error);
    response.has_id = 1;
    response.id = id;
    error.has_code = 1;
    error.code = (Rlimitd__V1__ErrorCode)code;
    error.message = (char *)(uintptr_t)message;
    response.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_ERROR;
    response.error = &error;
    return &response;
}

static bool count_one(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
    return true;
}

int count_descriptors(void) {
    int count = 0;
    list_proc_entries("/proc/self/fd", count_one, &count);
    return count;
}
