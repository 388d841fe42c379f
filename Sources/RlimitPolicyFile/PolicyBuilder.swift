import RlimitPolicy

/// Combines the fragments of all files. Their order has no meaning: a conflict between two files is an error.
struct PolicyBuilder {
    private(set) var allows: [AllowRule] = []
    private(set) var denies: [DenyRule] = []
    private(set) var errors: [Diagnostic] = []
    private(set) var warnings: [Diagnostic] = []
    private var quota = Quota()
    private var audit = AuditSettings()
    private var protection = ProtectionSettings()
    private var podRoots: [String] = []
    // The first location of each rule name and setting.
    private var firstLocations: [String: Diagnostic] = [:]

    mutating func add(_ fragment: PolicyFragment) {
        var diagnostics = fragment.diagnostics
        for rule in fragment.allows where checkUnique("rule \"\(rule.value.name)\"", rule.location, &diagnostics) {
            allows.append(rule.value)
        }
        for rule in fragment.denies where checkUnique("rule \"\(rule.value.name)\"", rule.location, &diagnostics) {
            denies.append(rule.value)
        }
        for setting in fragment.quota
        where checkUnique("quota.\(setting.value.key.rawValue)", setting.location, &diagnostics) {
            setting.value.apply(to: &quota)
        }
        if let onFull = fragment.onFull, checkUnique("audit.on_full", onFull.location, &diagnostics) {
            audit.onFull = onFull.value
        }
        protection.users = IDSet(protection.users.ranges + fragment.protection.users.ranges)
        protection.cgroups += fragment.protection.cgroups
        protection.units += fragment.protection.units
        podRoots += fragment.podRoots
        errors += diagnostics.errors.sorted { $0.isBefore($1) }
        warnings += diagnostics.warnings.sorted { $0.isBefore($1) }
    }

    mutating func add(_ error: Diagnostic) { errors.append(error) }

    func policy(_ subordinates: SubordinateIDs) -> Policy {
        Policy(
            allows: allows, denies: denies,
            protection: Protection(
                users: protection.users, cgroups: Set(protection.cgroups).sorted { $0.text < $1.text },
                units: Set(protection.units).sorted { $0.name.text < $1.name.text }),
            quota: quota, audit: audit, podRoots: podRoots.isEmpty ? Policy.standardPodRoots : podRoots,
            subordinates: subordinates)
    }

    private mutating func checkUnique(_ what: String, _ location: SourceLocation, _ diagnostics: inout DiagnosticList)
        -> Bool
    {
        if let first = firstLocations[what] {
            diagnostics.error(location, "\(what) is already defined in \(first.file) line \(first.line)")
            return false
        }
        firstLocations[what] = Diagnostic(
            file: diagnostics.file, line: location.line, column: location.column, message: "")
        return true
    }
}

extension Diagnostic {
    fileprivate func isBefore(_ other: Diagnostic) -> Bool {
        (line, column, message) < (other.line, other.column, other.message)
    }
}
