/// The version of this package, which the agent and the tool report. CHANGELOG.md begins with the same version.
package let productVersion = "0.1.0"
