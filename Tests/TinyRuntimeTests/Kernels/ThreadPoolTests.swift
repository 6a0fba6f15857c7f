// The pool of threads: every byte exactly once, whatever the number of rows, channels and threads.

import CTinyKernels
import Testing

@Suite struct ThreadPoolTests {
    /// Counts in each byte how often it was computed, and in the scratch that nobody shares one.
    private static let count: @convention(c) (
        UnsafePointer<tk_convolution>?, UnsafePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, UnsafeMutableRawPointer?,
        tk_part
    ) -> Void = { op, input, output, scratch, part in
        guard let op, let input, let output, let scratch else { return }
        for row in Int(part.first_row)..<Int(part.end_row) {
            for channel in Int(part.first_channel)..<Int(part.end_channel) {
                output[row * Int(op.pointee.output_channels) + channel] &+= input[0]
            }
        }
        scratch.assumingMemoryBound(to: Int32.self).pointee +=
            (part.end_row - part.first_row) * (part.end_channel - part.first_channel)
    }

    @Test(arguments: [2, 3, 7, 64]) func everyByteIsComputedOnce(threads: Int32) throws {
        let pool = try #require(tk_pool_create(threads))
        defer { tk_pool_destroy(pool) }
        let stride = 64
        let shapes = [1, 2, 3, 6, 7, 8, 63, 64, 65, 1000].flatMap { rows in
            [1, 16, 63, 64, 65, 130, 1280].map { (rows, $0) }
        }
        for (rows, channels) in shapes {
            var op = tk_convolution()
            op.output_height = Int32(rows)
            op.output_channels = Int32(channels)
            var output = [UInt8](repeating: 0, count: rows * channels)
            var scratch = [Int32](repeating: 0, count: Int(threads) * stride / 4)
            for _ in 0..<5 { tk_pool_run(pool, Self.count, &op, [3], &output, &scratch, stride) }
            for _ in 0..<5 { tk_pool_run_rows(pool, Self.count, &op, [3], &output, &scratch, stride) }
            #expect(output == [UInt8](repeating: 30, count: rows * channels), "\(rows) rows, \(channels) channels")
            let shares = (0..<Int(threads)).map { scratch[$0 * stride / 4] }
            #expect(shares.reduce(0, +) == 10 * Int32(rows * channels), "\(shares)")
        }
    }

    @Test func refusesCountsThatMakeNoPool() {
        for threads in [-1, 0, 1, 65] as [Int32] { #expect(tk_pool_create(threads) == nil) }
        tk_pool_destroy(nil)
    }
}
