"""The protocol as protoc generates it; private."""
