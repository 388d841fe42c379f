import RlimitModel
import Testing

@testable import rlimitctl

@Suite("Exit statuses")
struct ExitStatusTests {
    @Test("Every error code has a documented exit status", arguments: RlimitError.Code.allCases)
    func known(code: RlimitError.Code) {
        #expect([1, 69, 77].contains(code.exitStatus))
        #expect([1, 64, 69, 77].contains(code.parsingExitStatus))
    }

    @Test("Refusals exit with 77, an unreachable agent with 69, an invalid argument with 64")
    func kinds() {
        for code in [RlimitError.Code.deniedByPolicy, .deniedByKernel, .aboveSystemCeiling] {
            #expect(code.exitStatus == 77)
        }
        for code in [RlimitError.Code.agentUnreachable, .untrustedSocket, .connectionLost] {
            #expect(code.exitStatus == 69)
        }
        for code in [RlimitError.Code.invalidArgument, .invalidResource, .unsupported] {
            #expect(code.parsingExitStatus == 64)
            #expect(code.exitStatus == 1)
        }
        #expect(RlimitError.Code.softExceedsHard.parsingExitStatus == 1)
        #expect(RlimitError.Code.noSuchProcess.exitStatus == 1)
    }
}
