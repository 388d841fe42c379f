import RlimitPolicy

/// The contents of one policy file.
struct PolicyFragment {
    let file: String
    var diagnostics: DiagnosticList
    var allows: [Located<AllowRule>] = []
    var denies: [Located<DenyRule>] = []
    var quota: [Located<QuotaSetting>] = []
    var onFull: Located<AuditSettings.OnFull>?
    var protection = ProtectionSettings()
    var podRoots: [String] = []

    init(file: String) {
        self.file = file
        diagnostics = DiagnosticList(file: file)
    }
}

/// A value and its location in the file.
struct Located<Value> {
    var value: Value
    var location: SourceLocation
}

/// One key of `[quota]` and its value.
struct QuotaSetting {
    var key: Key
    var value: Int

    enum Key: String, CaseIterable {
        case connections
        case requestsPerSecond = "requests_per_second"
        case leases
    }

    func apply(to quota: inout Quota) {
        switch key {
        case .connections: quota.connections = value
        case .requestsPerSecond: quota.requestsPerSecond = value
        case .leases: quota.leases = value
        }
    }
}

/// The protected processes that one file adds.
struct ProtectionSettings {
    var users = IDSet()
    var cgroups: [CgroupPattern] = []
    var units: [UnitPattern] = []
}
