// A server at boot raises its limit of open files as far as permitted. It also runs with a lower limit, or without an
// agent.
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
