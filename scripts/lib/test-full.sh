# shellcheck shell=bash
# The long part of scripts/test --full. scripts/test sources this file after scripts/lib/test-steps.sh.

# Keeps every processor busy, with Debian's clang first on the path, while a command runs. That clang has no runtime of
# the sanitizers.
on_a_busy_machine() {
    local status=0 loops=() clang
    [ -x /usr/bin/clang ] || { echo "Debian's clang is not installed: scripts/lib/install-packages clang" && return 1; }
    clang=$(dirname "$(readlink -f /usr/bin/clang)")
    for _ in $(seq "$(nproc)"); do
        (while :; do :; done) &
        loops+=($!)
    done
    local before=("${background[@]}")
    background+=("${loops[@]}")
    PATH=$clang:$PATH "$@" || status=$?
    kill "${loops[@]}"
    wait "${loops[@]}" 2>/dev/null || true
    background=("${before[@]}")
    return "$status"
}

# The counts of each operation of a release build, compared with the recorded ones.
counts() {
    Benchmarks/suites/run-allocations --json "$logs/counts.json" &&
        Benchmarks/suites/compare-counts Benchmarks/results/counts-before.json "$logs/counts.json"
}

full_tests() {
    local status round repeated='^EndToEndTests[.](Kill|CompareAndSet|Hostile|Descriptor|Flood|Race)[A-Za-z]*Tests/'

    # Slow, because qemu emulates the processor. It has one, and the next steps run on the others.
    in_background newer scripts/with-capability --linux 6.12 --time-limit 3600 -- "${swift_testing[@]}" --no-parallel \
        --filter NeedsCapability &
    background+=($!)

    step "Tests on this machine's own kernel, all processors busy"
    run_tests "$here, all processors busy" "$host_count" on_a_busy_machine timeout --kill-after=10 2400 "${host_tests[@]}"

    step "The client in C, all processors busy"
    status=0
    on_a_busy_machine clients/test c >"$logs/clients" 2>&1 </dev/null || status=$?
    cat "$logs/clients"
    count_lines "the client in C, all processors busy" "$logs/clients" "$status"

    for round in 1 2 3 4 5; do
        step "Kills, floods and races, round $round of 5"
        run_tests "$here, repeated" "$(number_of_tests "$repeated")" timeout --kill-after=10 1200 "${swift_testing[@]}" \
            --filter "$repeated" --skip NeedsCapability --skip NeedPinnedPeers
    done

    check "Counts of allocations, system calls and instructions" counts
    check "A program that imports only RlimitClient" scripts/lib/check-library

    step "Wait for all tests with CAP_SYS_RESOURCE on Linux 6.12"
    wait "${background[@]}" || true
    background=()
    took "All tests with CAP_SYS_RESOURCE on Linux 6.12, in the background" "$(cat "$logs/newer.seconds")"
    count_tests "Linux 6.12 in qemu, all" "$(number_of_tests NeedsCapability)" "$logs/newer" "$(cat "$logs/newer.status")"
}
