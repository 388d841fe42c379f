import Glibc

/// The environment that rlimitctl was started with.
enum Environment {
    /// The value of a variable, if it is set (getenv(3)).
    static subscript(name: String) -> String? {
        // Nothing here changes the environment, so the text stays where it is.
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
