import Foundation

/// A parsed JSON text. A path of subscripts to a missing value ends in nil.
struct JSONObject {
    private let value: Any?

    init(_ text: String) throws {
        value = try JSONSerialization.jsonObject(with: Data(text.utf8))
    }

    private init(value: Any?) { self.value = value }

    subscript(key: String) -> JSONObject { JSONObject(value: (value as? [String: Any])?[key]) }
    subscript(index: Int) -> JSONObject {
        let list = value as? [Any] ?? []
        return JSONObject(value: list.indices.contains(index) ? list[index] : nil)
    }

    var text: String? { value as? String }
    var number: Int? { (value as? NSNumber)?.intValue }
    var list: [JSONObject]? { (value as? [Any])?.map { JSONObject(value: $0) } }
    var keys: Set<String> { Set((value as? [String: Any])?.keys.map { $0 } ?? []) }
}
