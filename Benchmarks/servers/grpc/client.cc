// The benchmark's client in gRPC C++, with the callback API: grpc-client SOCKET MODE CALLS WARMUP PARAM PID
#include <grpcpp/grpcpp.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>
#include <vector>

#include "limits.grpc.pb.h"

namespace {

uint64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

double processor_time() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// The state that all calls of a part share.
struct CallLoop {
    std::mutex mutex;
    std::condition_variable done;
    long remaining = 0, in_flight = 0, errors = 0;
    uint64_t deadline = ~uint64_t{0};
    uint64_t soft = 0, hard = 0;
    std::vector<uint64_t> samples;
};

// One outstanding call. Its response starts the next one.
class CallSlot {
public:
    CallSlot(std::shared_ptr<grpc::Channel> channel, uint32_t pid) : stub_(benchmark::Limits::NewStub(std::move(channel))) {
        request_.set_pid(pid);
        request_.set_resource(RLIMIT_NOFILE);
    }

    // Takes one of the remaining calls, if there is one. The caller holds the lock of the sweep.
    static bool begin(CallLoop &loop) {
        if (loop.remaining == 0) return false;
        loop.remaining--;
        loop.in_flight++;
        return true;
    }

    void send(CallLoop &loop) {
        start_ = now();
        context_ = std::make_unique<grpc::ClientContext>();
        stub_->async()->Get(context_.get(), &request_, &answer_, [this, &loop](const grpc::Status &status) {
            const uint64_t end = now();
            bool has_next = false;
            {
                const std::lock_guard<std::mutex> lock(loop.mutex);
                if (!status.ok()) loop.errors++;
                loop.samples.push_back(end - start_);
                loop.soft = answer_.soft();
                loop.hard = answer_.hard();
                if (end > loop.deadline) loop.remaining = 0;
                has_next = begin(loop);
                if (--loop.in_flight == 0) loop.done.notify_one();
            }
            if (has_next) send(loop);
        });
    }

private:
    std::unique_ptr<benchmark::Limits::Stub> stub_;
    std::unique_ptr<grpc::ClientContext> context_;
    benchmark::Question request_;
    benchmark::Answer answer_;
    uint64_t start_ = 0;
};

void run(CallLoop &loop, std::vector<std::unique_ptr<CallSlot>> &slots, long calls) {
    size_t begun = 0;
    {
        const std::lock_guard<std::mutex> lock(loop.mutex);
        loop.remaining = calls;
        while (begun < slots.size() && CallSlot::begin(loop)) begun++;
    }
    for (size_t index = 0; index < begun; index++) slots[index]->send(loop);
    std::unique_lock<std::mutex> lock(loop.mutex);
    loop.done.wait(lock, [&loop] { return loop.in_flight == 0; });
}

double percentile(const std::vector<uint64_t> &sorted, size_t permille) {
    const size_t rank = (sorted.size() * permille + 999) / 1000;
    return static_cast<double>(sorted[rank > 0 ? rank - 1 : 0]) / 1000;
}

}  // namespace

int main(int count, char **words) {
    if (count != 7) {
        std::cerr << "usage: grpc-client SOCKET first|lat|conc|pipe CALLS WARMUP PARAM PID\n";
        return 64;
    }
    const std::string address = std::string("unix:") + words[1], mode = words[2];
    const long calls = std::atol(words[3]), warmup = std::atol(words[4]);
    const int parameter = std::atoi(words[5]);
    const auto pid = static_cast<uint32_t>(std::atol(words[6]));
    const size_t width = mode == "conc" || mode == "pipe" ? static_cast<size_t>(std::max(1, parameter)) : 1;

    std::vector<std::unique_ptr<CallSlot>> slots;
    std::shared_ptr<grpc::Channel> channel;
    if (mode == "first") {
        std::cout << "{\"ready\":true}" << std::endl;
        while (access(words[1], F_OK) != 0) usleep(200);
    }
    for (size_t index = 0; index < width; index++) {
        if (!channel || mode == "conc") {
            // Channels with equal arguments would share one connection.
            grpc::ChannelArguments arguments;
            arguments.SetInt("benchmark.lane", static_cast<int>(index));
            arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
            channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
        }
        slots.push_back(std::make_unique<CallSlot>(channel, pid));
    }
    CallLoop loop;
    if (mode == "first") {
        run(loop, slots, 1);
        std::printf("{\"mode\":\"first\",\"t_mono_ns\":%llu}\n", static_cast<unsigned long long>(now()));
        std::fflush(stdout);
        std::_Exit(loop.errors != 0);
    }
    run(loop, slots, std::max<long>(warmup, static_cast<long>(width)));
    const char *max_seconds = std::getenv("BENCH_MAX_S");
    loop.samples.clear();
    loop.samples.reserve(static_cast<size_t>(calls) + width);
    const double processor = processor_time();
    const uint64_t start = now();
    loop.deadline = start + static_cast<uint64_t>((max_seconds != nullptr ? std::atof(max_seconds) : 30.0) * 1e9);
    run(loop, slots, calls);
    const double wall = static_cast<double>(now() - start) / 1e9;
    std::sort(loop.samples.begin(), loop.samples.end());
    std::printf(
        "{\"mode\":\"%s\",\"param\":%d,\"calls\":%zu,\"errors\":%ld,\"wall_s\":%.6f,\"calls_per_s\":%.1f,\"min_us\":%.3f,"
        "\"p50_us\":%.3f,\"p90_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,\"max_us\":%.3f,\"cli_cpu_s\":%.6f,\"soft\":%llu,"
        "\"hard\":%llu}\n",
        mode.c_str(), parameter, loop.samples.size(), loop.errors, wall,
        static_cast<double>(loop.samples.size()) / wall, percentile(loop.samples, 0), percentile(loop.samples, 500),
        percentile(loop.samples, 900), percentile(loop.samples, 990), percentile(loop.samples, 999),
        percentile(loop.samples, 1000), processor_time() - processor, static_cast<unsigned long long>(loop.soft),
        static_cast<unsigned long long>(loop.hard));
    // The library's threads may not have completed the last call yet.
    std::fflush(stdout);
    std::_Exit(loop.errors != 0);
}
