import RlimitModel
import Testing

@testable import RlimitAgent
@testable import RlimitPolicy

@Suite("Writing limits")
struct LimitWriterTests {
    private let expectedIdentity = ProcessCredentials(pid: 100, credentials: Credentials(uid: 1000, gid: 1000))
    private let script = Script()

    private func edit(_ resource: Resource, _ new: Limit, index: Int = 0, old: Limit = Limit(soft: 1024, hard: 4096))
        -> AuthorizedEdit
    {
        AuthorizedEdit(index: index, resource: resource, old: old, new: new, rule: "r", mayLower: true)
    }

    private func write(_ edits: [AuthorizedEdit]) throws(RlimitError) -> LimitWriter.Outcome {
        var writer = LimitWriter()
        return try writer.write(edits, to: ScriptedProcess(script: script), expectedIdentity: expectedIdentity)
    }

    @Test("A batch is written completely, and an unchanged limit costs no system call")
    func batch() throws {
        let edits = [edit(.openFiles, Limit(8192)), edit(.processes, Limit(soft: 1024, hard: 4096), index: 1)]
        #expect(try write(edits) == .written)
        #expect(script.limits[.openFiles] == Limit(8192))
        #expect(script.writes.count == 1)
    }

    @Test("If the kernel refuses the second edit, the first is restored and the error names the second")
    func refusedInTheMiddle() throws {
        script.refusals[.processes] = RlimitError(.deniedByKernel)
        let edits = [edit(.openFiles, Limit(8192)), edit(.processes, Limit(9), index: 1)]
        let error = #expect(throws: RlimitError.self) { try write(edits) }
        #expect(error?.code == .deniedByKernel)
        #expect(error?.editIndex == 1)
        #expect(error?.resource == .processes)
        #expect(script.limits[.openFiles] == Limit(soft: 1024, hard: 4096))
    }

    @Test("A limit that another process changed meanwhile is restored to that process's value")
    func overtaken() throws {
        let theirs = Limit(soft: 5, hard: 6)
        script.beforeExchange[1] = { $0.limits[.openFiles] = theirs }
        #expect(try write([edit(.openFiles, Limit(8192))]) == .overtaken(.openFiles, now: theirs))
        #expect(script.limits[.openFiles] == theirs)
    }

    @Test("A process that became root's before a raise keeps the raise, and the answer is TARGET_CHANGED")
    func execBeforeRaise() throws {
        script.beforeExchange[1] = { $0.becomeRoot() }
        let error = #expect(throws: RlimitError.self) { try write([edit(.openFiles, Limit(8192))]) }
        #expect(error?.code == .targetChanged)
        #expect(script.limits[.openFiles] == Limit(8192))
        #expect(script.writes.count == 1)
    }

    @Test(
        "A process that became root's before or after a lowering keeps at least its old limits",
        arguments: [true, false])
    func execAroundLowering(before: Bool) throws {
        if before {
            script.beforeExchange[1] = { $0.becomeRoot() }
        } else {
            script.afterExchange[1] = { $0.becomeRoot() }
        }
        let error = #expect(throws: RlimitError.self) { try write([edit(.fileSize, Limit(0))]) }
        #expect(error?.code == .targetChanged)
        #expect(script.limits[.fileSize] == Limit(soft: 1024, hard: 4096))
    }

    @Test("If an edit raises one limit and lowers the other, only the lowered one is restored")
    func mixed() throws {
        script.beforeExchange[1] = { $0.becomeRoot() }
        _ = #expect(throws: RlimitError.self) { try write([edit(.openFiles, Limit(soft: 10, hard: 8192))]) }
        #expect(script.limits[.openFiles] == Limit(soft: 1024, hard: 8192))
    }

    @Test("A program that becomes root's while a batch is restored keeps at least its old limits")
    func execDuringTakeBack() throws {
        script.refusals[.processes] = RlimitError(.deniedByKernel)
        script.beforeExchange[2] = { $0.becomeRoot() }
        let edits = [edit(.openFiles, Limit(soft: 512, hard: 512)), edit(.processes, Limit(9), index: 1)]
        let error = #expect(throws: RlimitError.self) { try write(edits) }
        #expect(error?.code == .targetChanged)
        #expect(script.limits[.openFiles] == Limit(soft: 1024, hard: 4096))
    }

    @Test("A program that becomes root's just before a raise is undone keeps the raised limit")
    func execBeforePutBack() throws {
        // The peer lowers its own limit during the raise, so that the raise is undone, and then executes a program.
        script.beforeExchange[1] = { $0.limits[.openFiles] = Limit(5) }
        script.beforeExchange[2] = { $0.becomeRoot() }
        let error = #expect(throws: RlimitError.self) { try write([edit(.openFiles, Limit(8192))]) }
        #expect(error?.code == .targetChanged)
        #expect(script.limits[.openFiles] == Limit(8192))
    }

    @Test("A limit that the setuid program has set for itself stays")
    func ownLimits() throws {
        script.afterExchange[1] = {
            $0.becomeRoot()
            $0.limits[.coreFileSize] = Limit(0)
        }
        let error = #expect(throws: RlimitError.self) { try write([edit(.coreFileSize, Limit(512))]) }
        #expect(error?.code == .targetChanged)
        #expect(script.limits[.coreFileSize] == Limit(0))
    }

    @Test("If the process ended and its pid was reused, the new process keeps its limits")
    func numberOfAnother() throws {
        script.afterExchange[1] = {
            $0.identity = nil
            $0.limits[.fileSize] = Limit(soft: 7, hard: 9)
        }
        let error = #expect(throws: RlimitError.self) { try write([edit(.fileSize, Limit(512))]) }
        #expect(error?.code == .targetChanged)
        #expect(script.limits[.fileSize] == Limit(soft: 7, hard: 9))
        #expect(script.writes.count == 1)
    }

    @Test("If the identity cannot be read any more, lowered limits are restored")
    func hiddenAfterLowering() throws {
        script.afterExchange[1] = { $0.isHidden = true }
        let error = #expect(throws: RlimitError.self) { try write([edit(.fileSize, Limit(0))]) }
        #expect(error?.code == .targetChanged)
        #expect(script.limits[.fileSize] == Limit(soft: 1024, hard: 4096))
    }

    @Test("A process that ended needs no repair")
    func ended() throws {
        script.afterExchange[1] = { $0.identity = nil }
        let error = #expect(throws: RlimitError.self) { try write([edit(.openFiles, Limit(8192))]) }
        #expect(error?.code == .targetChanged)
    }
}
