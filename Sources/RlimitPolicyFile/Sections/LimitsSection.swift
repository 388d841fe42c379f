import RlimitModel
import RlimitPolicy

// How far limits may go: resources and bounds.

extension PolicyFileReader {
    /// `limits` of an allow and `above` of a deny.
    mutating func ceilings(_ entry: TomlEntry) -> Ceilings? {
        guard let entries = table(entry, expected: "a table: \(entry.key).nofile = \"64K\"") else { return nil }
        var ceilings = Ceilings()
        for entry in entries {
            guard let resource = resource(entry.key, entry.keyLocation) else { continue }
            if ceilings[resource] != nil { diagnostics.error(entry.keyLocation, "\(resource) is given twice") }
            if let bound = bound(of: resource, entry) { ceilings[resource] = bound }
        }
        return ceilings
    }

    /// `limits` of a deny: only names.
    mutating func resources(_ entry: TomlEntry) -> ResourceSet? {
        if case .table = entry.node.value {
            diagnostics.error(
                entry.node.location,
                "a deny lists what is not changed at all, limits = [\"core\"]; with a bound it is above.core = ...")
            return nil
        }
        return texts(entry, example: "[\"core\", \"nice\"]") { $0.resource($1, $2) }.map { ResourceSet($0) }
    }

    private mutating func resource(_ name: String, _ location: SourceLocation) -> Resource? {
        do throws(RlimitError) {
            return try Resource(named: name)
        } catch {
            diagnostics.error(location, error.message)
            return nil
        }
    }

    private mutating func bound(of resource: Resource, _ entry: TomlEntry) -> Limit.Bound? {
        let location = entry.node.location
        switch entry.node.value {
        case .integer(let number):
            if let fault = fault(of: resource, number: number) {
                diagnostics.error(location, fault)
                return nil
            }
            return Limit.Bound(number)
        case .string(let text):
            if text.lowercased() == "max" { return .infinity }
            if let number = Int64(text), text.first?.isNumber == true, let fault = fault(of: resource, number: number) {
                diagnostics.error(location, fault)
                return nil
            }
            do throws(RlimitError) {
                return try resource.bound(parsing: text, requiringUnit: true)
            } catch {
                diagnostics.error(location, error.message + ", or \"max\" for as far as the kernel goes")
                return nil
            }
        default:
            diagnostics.wrongType(entry, expected: resource.example)
            return nil
        }
    }

    // Why a bare number will not do, or nil.
    private func fault(of resource: Resource, number: Int64) -> String? {
        if number < 0 {
            if resource == .nice { return "a nice level is a string: nice = \"\(number)\"" }
            return "no limit is below zero; write \"unlimited\" for no limit"
        }
        if number == 0 { return nil }
        switch resource.unit {
        case .bytes:
            let file = resource == .messageQueueBytes ? "" : " (limits.conf counts KiB, the kernel bytes)"
            return "\(resource) \(number) has no unit\(file): write \"\(number)K\" or \"\(number)B\""
        case .seconds:
            return "\(resource) \(number) has no unit (limits.conf counts minutes, the kernel seconds): "
                + "write \"\(number)m\" or \"\(number)s\""
        case .microseconds:
            return "\(resource) \(number) has no unit (the kernel counts microseconds): "
                + "write \"\(number)us\" or \"\(number)ms\""
        case .count, .niceLevel, .priority:
            return nil
        }
    }
}
