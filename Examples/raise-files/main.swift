// A server at boot: as many open files as it may have, and no failure where it may have no more or there is no agent.
//
//     raise-files [COUNT]
import RlimitClient

let wanted = CommandLine.arguments.dropFirst().first.flatMap(Limit.Bound.init) ?? 1_048_576
do throws(RlimitError) {
    print("before: \(try CurrentProcess.limit(.openFiles))")
    let files = try BlockingLimitClient().raise(.openFiles, upTo: wanted)
    print("after:  \(files.new)")
    if let why = files.shortfall { print("no more than that: \(why)") }
} catch {
    print("open files stay as they are: \(error)")
}
