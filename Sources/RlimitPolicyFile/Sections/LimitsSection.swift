import RlimitModel
import RlimitPolicy

// Resources and their maximum limits.

extension PolicyFileReader {
    /// Reads `limits` of an allow rule or `above` of a deny rule.
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

    /// Reads `limits` of a deny rule, a list of names.
    mutating func resources(_ entry: TomlEntry) -> ResourceSet? {
        if case .table = entry.node.value {
            diagnostics.error(
                entry.node.location,
                "limits of a deny rule lists resources, limits = [\"core\"]; to refuse only raises above a value, write above.core = ..."
            )
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
                diagnostics.error(location, error.message + ", or \"max\" for the maximum of the kernel")
                return nil
            }
        default:
            diagnostics.wrongType(entry, expected: resource.example)
            return nil
        }
    }

    // The reason why a bare number is not accepted; nil if it is.
    private func fault(of resource: Resource, number: Int64) -> String? {
        if number < 0 {
            if resource == .nice { return "a nice level is a string: nice = \"\(number)\"" }
            return "a limit must not be negative; write \"unlimited\" for no limit"
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
