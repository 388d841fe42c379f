/// How names of users and groups become numbers; tests need no real accounts.
package struct AccountLookup: Sendable {
    package var userID: @Sendable (String) -> UInt32?
    package var groupID: @Sendable (String) -> UInt32?

    package init(
        userID: @escaping @Sendable (String) -> UInt32?, groupID: @escaping @Sendable (String) -> UInt32?
    ) {
        self.userID = userID
        self.groupID = groupID
    }
}
