import RlimitClient

extension SetCommand {
    /// `set --lease` and `set --while-connected`.
    func lease(_ edits: [Edit], on selected: borrowing SelectedProcess, _ client: BlockingLimitClient) throws {
        let duration = try lease.duration()
        // Before there is anything to give back: who interrupts from here on is heard.
        let foreground = lease.whileConnected ? try ForegroundLease(of: selected) : nil
        let granted: BlockingLimitClient.Lease
        do throws(RlimitError) {
            granted = try client.lease(edits, on: selected.target, for: duration)
        } catch {
            throw Refusal(error, of: edits, client, on: selected.target, selected.targetInfo).failure
        }
        try report(granted, on: selected)
        guard let foreground else {
            _ = granted.keep()
            return
        }
        try Output.print(try foreground.hold(granted), asJSON: global.json)
    }

    /// `set --dry-run` of a lease: the agent's answer, for the kernel knows none.
    func performLeaseDryRun(
        _ edits: [Edit], on selected: borrowing SelectedProcess, _ client: BlockingLimitClient
    ) throws -> Explanation {
        try client.explain(edits, on: selected.target, leasedFor: lease.duration())
    }

    private func report(_ granted: borrowing BlockingLimitClient.Lease, on selected: borrowing SelectedProcess) throws {
        let left = granted.expires.map { $0 - .now }
        if global.json {
            let lease: JSON = .object([
                ("id", .string("\(granted.id)")), ("endsIn", left.map(JSON.seconds) ?? .null),
            ])
            try Output.print(
                .object(
                    selected.members + [
                        ("dryRun", .bool(false)), ("changes", .array(granted.changes.map(JSON.change))),
                        ("lease", lease),
                    ]))
        } else {
            for change in granted.changes {
                try Output.print(selected.line(change.resource, from: change.old, to: change.new) + "\n")
            }
            let ending = self.lease.whileConnected ? "ends with this: interrupt it" : LeaseTime.ending(in: left)
            try Output.print("lease \(granted.id)  \(ending)\n")
        }
        for change in granted.changes { change.notes.forEach(Output.note) }
    }
}
