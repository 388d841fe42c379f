import RlimitKernel

extension String {
    /// This text as a terminal may have it. Names of rules and users are chosen by others.
    var forTerminal: String { DisplayText.escaped(self) }
}
