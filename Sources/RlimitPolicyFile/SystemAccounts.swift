extension AccountLookup {
    /// The accounts of this system.
    package static let system = AccountLookup(userID: { _ in nil }, groupID: { _ in nil })
}
