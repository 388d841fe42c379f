import Testing

@testable import rlimitctl

@Suite("The usage bar")
struct UsageBarTests {
    @Test(
        "The bar is filled up to the soft limit, then up to the hard limit",
        arguments: [
            (0, 10, 20, "[--------|..]"), (5, 10, 20, "[####----|..]"), (10, 10, 20, "[########|..]"),
            (15, 10, 20, "[########|#.]"), (20, 10, 20, "[########|##]"), (99, 10, 20, "[########|##]"),
            (5, 10, 10, "[####----|  ]"), (12, 10, 10, "[########|  ]"), (5, 10, nil, "[####----|..]"),
            (11, 10, nil, "[########|#.]"), (1, 0, 20, "[########|#.]"),
        ] as [(UInt64, UInt64, UInt64?, String)])
    func bars(used: UInt64, soft: UInt64, hard: UInt64?, bar: String) {
        #expect(UsageBar(used: used, soft: soft, hard: hard).text(width: 13) == bar)
    }
}
