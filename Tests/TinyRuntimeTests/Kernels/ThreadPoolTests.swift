// The pool of threads: every row exactly once, whatever the number of rows and threads.

import CTinyKernels
import Testing

@Suite struct ThreadPoolTests {
    /// Counts in each row's first byte how often it was computed, and in the scratch that nobody shares one.
    private static let countRows: @convention(c) (
        UnsafePointer<tk_convolution>?, UnsafePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, UnsafeMutableRawPointer?,
        Int32, Int32
    ) -> Void = { _, input, output, scratch, first, end in
        guard let input, let output, let scratch else { return }
        for row in Int(first)..<Int(end) { output[row] &+= input[0] }
        scratch.assumingMemoryBound(to: Int32.self).pointee += end - first
    }

    @Test(arguments: [2, 3, 7, 64]) func everyRowIsComputedOnce(threads: Int32) throws {
        let pool = try #require(tk_pool_create(threads))
        defer { tk_pool_destroy(pool) }
        let stride = 64
        for rows in [1, 2, 3, 6, 7, 8, 63, 64, 65, 1000] {
            var op = tk_convolution()
            op.output_height = Int32(rows)
            var output = [UInt8](repeating: 0, count: rows)
            var scratch = [Int32](repeating: 0, count: Int(threads) * stride / 4)
            for _ in 0..<20 { tk_pool_run(pool, Self.countRows, &op, [3], &output, &scratch, stride) }
            #expect(output == [UInt8](repeating: 60, count: rows), "\(rows) rows")
            let shares = (0..<Int(threads)).map { scratch[$0 * stride / 4] }
            #expect(shares.reduce(0, +) == 20 * Int32(rows), "\(shares)")
        }
    }

    @Test func refusesCountsThatMakeNoPool() {
        for threads in [-1, 0, 1, 65] as [Int32] { #expect(tk_pool_create(threads) == nil) }
        tk_pool_destroy(nil)
    }
}
