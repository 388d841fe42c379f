import RlimitPolicy

/// What all files say together. Their order means nothing: what two of them say differently is an error.
struct PolicyAssembly {
    private(set) var allows: [AllowRule] = []
    private(set) var denies: [DenyRule] = []
    private(set) var errors: [Diagnostic] = []
    private(set) var warnings: [Diagnostic] = []
    private var quota = Quota()
    private var protection = ProtectionParts()
    private var podRoots: [String] = []
    // Where each name and each quota was given first.
    private var places: [String: Diagnostic] = [:]

    mutating func add(_ fragment: PolicyFragment) {
        var findings = fragment.findings
        for rule in fragment.allows where isFirst("rule \"\(rule.value.name)\"", rule.place, &findings) {
            allows.append(rule.value)
        }
        for rule in fragment.denies where isFirst("rule \"\(rule.value.name)\"", rule.place, &findings) {
            denies.append(rule.value)
        }
        for setting in fragment.quota where isFirst("quota.\(setting.value.key.rawValue)", setting.place, &findings) {
            setting.value.apply(to: &quota)
        }
        protection.users = IDSet(protection.users.ranges + fragment.protection.users.ranges)
        protection.cgroups += fragment.protection.cgroups
        protection.units += fragment.protection.units
        podRoots += fragment.podRoots
        errors += findings.errors.sorted { $0.isBefore($1) }
        warnings += findings.warnings.sorted { $0.isBefore($1) }
    }

    mutating func add(_ error: Diagnostic) { errors.append(error) }

    var policy: Policy {
        Policy(
            allows: allows, denies: denies,
            protection: Protection(
                users: protection.users, cgroups: Set(protection.cgroups).sorted { $0.text < $1.text },
                units: Set(protection.units).sorted { $0.name.text < $1.name.text }),
            quota: quota, podRoots: podRoots.isEmpty ? Policy.standardPodRoots : podRoots)
    }

    private mutating func isFirst(_ what: String, _ place: Place, _ findings: inout Findings) -> Bool {
        if let first = places[what] {
            findings.error(place, "\(what) is there already, in \(first.file) line \(first.line)")
            return false
        }
        places[what] = Diagnostic(file: findings.file, line: place.line, column: place.column, message: "")
        return true
    }
}

extension Diagnostic {
    fileprivate func isBefore(_ other: Diagnostic) -> Bool {
        (line, column, message) < (other.line, other.column, other.message)
    }
}
