// Whoever imports the client has the nouns too.
@_exported public import RlimitModel
