extension String {
    /// This text as a terminal may have it: what could move its cursor, colour it, or turn the direction of writing is
    /// spelled out as `\u{1b}`. Names of processes, rules and users are chosen by others.
    var forTerminal: String {
        var safe = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                safe += "\\u{" + String(scalar.value, radix: 16) + "}"
            default:
                safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}
