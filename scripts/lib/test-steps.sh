# shellcheck shell=bash
# The steps of scripts/test: their titles, times and counts. scripts/test sources this file. It sets `logs` to a folder
# for the output of the tests.

passed=0
failed=0
summary=()
step_title=
step_start=0

# step TITLE: ends the step before, and begins this one.
step() {
    end_step
    step_title=$1
    step_start=$SECONDS
    printf '\n== %s\n' "$1"
}

end_step() {
    [ -z "$step_title" ] || took "$step_title" $((SECONDS - step_start))
    step_title=
}

# took TITLE SECONDS
took() {
    printf -- '-- %s: %d s\n' "$1" "$2"
    printf '%6d s  %s\n' "$2" "$1" >>"$logs/times"
}

# check TITLE COMMAND...: a step of one command that counts as one test.
check() {
    step "$1"
    if "${@:2}"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED: $1"; fi
}

# in_background NAME COMMAND...: runs a command with its output in $logs/NAME. Its status and its time follow in
# $logs/NAME.status and $logs/NAME.seconds.
in_background() {
    local status=0 start=$SECONDS child
    "${@:2}" >"$logs/$1" 2>&1 </dev/null &
    child=$!
    # shellcheck disable=SC2064 # the child is the one of now
    trap "kill $child 2>/dev/null; exit 143" TERM
    wait "$child" || status=$?
    echo $((SECONDS - start)) >"$logs/$1.seconds"
    echo "$status" >"$logs/$1.status"
}

# run_tests PLACE EXPECTED COMMAND...: runs Swift test suites and counts their results.
run_tests() {
    local status=0
    "${@:3}" >"$logs/tests" 2>&1 </dev/null || status=$?
    count_tests "$1" "$2" "$logs/tests" "$status"
}

# count_tests PLACE EXPECTED LOG STATUS: counts the results in the log of Swift tests, and prints the failures. Fewer
# tests than expected, a skipped test, and a log without a summary are failures: no test passes unless it runs.
count_tests() {
    local place=$1 expected=$2 log=$3 status=$4 ran skipped bad
    if [ "$status" = 124 ]; then
        echo "the time limit ended these tests:"
        unfinished_tests "$log"
    fi
    ran=$(sed -nE 's/.*Test run with ([0-9]+) tests? in .*/\1/p' "$log" | tail -n 1)
    skipped=$(grep -cE '^➜ +Test .* skipped' "$log" || true)
    bad=$(grep -cE '^✘ +Test .* failed after' "$log" || true)
    # The summary line of a failed run begins like the line of a failed test.
    bad=$((bad - $(grep -cE '^✘ +Test run with' "$log" || true)))
    # Without a summary, the lines of the tests count.
    [ -n "$ran" ] || ran=$(($(grep -cE '^✔ +Test .* passed after' "$log" || true) + bad + skipped))
    ran=$((ran - skipped))
    grep -E '^(✘|➜|with-capability:|↳)|error:|[Ff]atal|[Cc]rash' "$log" | grep -vE '^◇|Testing Library|Target Platform' |
        awk '!seen[$0]++' || true
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
        echo "the tests ended with status $status; their last lines:" && tail -n 30 "$log" && bad=1
    fi
    if [ "$ran" -lt "$expected" ] || [ "$ran" = 0 ]; then
        echo "only $ran of $expected tests ran" && bad=$((bad + 1))
    fi
    add_counts "$place" $((ran > bad ? ran - bad : 0)) "$bad"
    echo "$ran tests ran on $place, $bad failed"
}

# count_lines PLACE LOG STATUS: adds up the lines "N passed, N failed" of a log. A log without such a line is a failure.
count_lines() {
    local good bad lines
    read -r good bad lines < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$2" |
        awk '{ good += $1; bad += $2 } END { print good + 0, bad + 0, NR }')
    if [ "$bad" = 0 ] && { [ "$3" != 0 ] || [ "$lines" = 0 ]; }; then
        echo "$1: status $3, $lines summaries" && bad=1
    fi
    add_counts "$1" "$good" "$bad"
}

# add_counts PLACE PASSED FAILED
add_counts() {
    passed=$((passed + $2))
    failed=$((failed + $3))
    summary+=("$2 passed, $3 failed: $1")
}

# unfinished_tests LOG: the tests that began and did not end.
unfinished_tests() {
    comm -23 <(sed -nE 's/^◇ Test (.*) started\.$/\1/p' "$1" | grep -v '^case ' | sort -u) \
        <(sed -nE 's/^[✔✘➜] Test (.*) (passed|failed|skipped).*/\1/p' "$1" | sed -E 's/ with [0-9]+ test cases?$//' | sort -u)
}

# Prints the times, the counts of each place, and at last the sum of the counts.
print_summary() {
    end_step
    printf '\n'
    cat "$logs/times"
    printf '%6d s  in total\n\n' "$SECONDS"
    printf '%s\n' "${summary[@]}"
    echo "$passed passed, $failed failed"
}
