// An import of the client also imports the types of the model.
@_exported public import RlimitModel
