"""Reads its own limit of open files again and again with the package rlimitd, from the agent only.

    round-trip.py SOCKET CALLS WARMUP [--asyncio]          prints {"calls", "p50_us", "p99_us"}
"""
import asyncio
import json
import sys
import time

import rlimitd


def summary(took):
    took.sort()
    return json.dumps({"calls": len(took), "p50_us": took[len(took) // 2], "p99_us": took[len(took) * 99 // 100]})


def blocking(socket, calls, warmup):
    took = []
    with rlimitd.Client(socket=socket, agent_only=True) as client:
        for call in range(-warmup, calls):
            start = time.perf_counter_ns()
            client.get("nofile")
            if call >= 0:
                took.append((time.perf_counter_ns() - start) / 1e3)
    return took


async def asynchronous(socket, calls, warmup):
    took = []
    async with rlimitd.AsyncClient(socket=socket, agent_only=True) as client:
        for call in range(-warmup, calls):
            start = time.perf_counter_ns()
            await client.get("nofile")
            if call >= 0:
                took.append((time.perf_counter_ns() - start) / 1e3)
    return took


def main():
    socket, calls, warmup = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if "--asyncio" in sys.argv[4:]:
        print(summary(asyncio.run(asynchronous(socket, calls, warmup))))
    else:
        print(summary(blocking(socket, calls, warmup)))


if __name__ == "__main__":
    main()
