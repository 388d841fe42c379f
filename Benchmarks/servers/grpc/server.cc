// The same service in gRPC C++, on a Unix socket, with the callback API.
#include <grpcpp/grpcpp.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "limits.grpc.pb.h"

namespace {

class Service final : public benchmark::Limits::CallbackService {
    grpc::ServerUnaryReactor *Get(grpc::CallbackServerContext *context, const benchmark::Question *question,
                                  benchmark::Answer *answer) override {
        grpc::ServerUnaryReactor *reactor = context->DefaultReactor();
        rlimit limit{};
        const auto resource = static_cast<__rlimit_resource>(question->resource());
        if (question->pid() < 2 || prlimit(static_cast<pid_t>(question->pid()), resource, nullptr, &limit) != 0) {
            reactor->Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, std::strerror(errno)));
            return reactor;
        }
        answer->set_soft(limit.rlim_cur);
        answer->set_hard(limit.rlim_max);
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

}  // namespace

int main(int count, char **words) {
    if (count != 2) {
        std::cerr << "usage: grpc-server SOCKET\n";
        return 64;
    }
    Service service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(std::string("unix:") + words[1], grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server) return 1;
    server->Wait();
}
