/// The version of this package, of the agent as of the tool; CHANGELOG.md has the same at its top.
package let productVersion = "0.1.0"
