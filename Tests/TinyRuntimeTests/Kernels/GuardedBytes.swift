// Memory for kernels under test whose last byte is followed by a page that may not be touched: reading or writing one
// byte too many stops the test run at once. Writes before the first byte are found by `isIntactBefore`.
import Glibc

final class GuardedBytes {
    let base: UnsafeMutableRawPointer
    let count: Int
    private let mapping: UnsafeMutableRawPointer
    private let mappedBytes: Int
    private static let canary: UInt8 = 0xA5

    /// `count` bytes, all of them `fill`. `alignment`: of the first byte; the guard then starts up to alignment − 1
    /// bytes late.
    init(count: Int, fill: UInt8 = 0, alignment: Int = 1) {
        let page = Int(getpagesize())
        let padded = (count + alignment - 1) / alignment * alignment
        mappedBytes = (padded + page - 1) / page * page + 2 * page
        mapping = mmap(nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        precondition(mapping != MAP_FAILED, "no memory for \(mappedBytes) bytes")
        precondition(mprotect(mapping + mappedBytes - page, page, PROT_NONE) == 0)
        self.count = count
        base = mapping + mappedBytes - page - padded
        memset(mapping, Int32(Self.canary), base - mapping)
        memset(base, Int32(fill), count)
    }

    convenience init<T>(_ values: [T]) {
        self.init(count: values.count * MemoryLayout<T>.stride)
        values.withUnsafeBytes { bytes in
            if let source = bytes.baseAddress { base.copyMemory(from: source, byteCount: bytes.count) }
        }
    }

    deinit { munmap(mapping, mappedBytes) }

    /// Valid as long as the object: keep that alive, or use `withPointers`.
    func pointer<T>(as type: T.Type) -> UnsafeMutablePointer<T> { base.assumingMemoryBound(to: type) }

    var bytes: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: base, count: count)) }

    var isIntactBefore: Bool {
        UnsafeRawBufferPointer(start: mapping, count: base - mapping).allSatisfy { $0 == Self.canary }
    }

    /// Calls `body` with the first byte of each buffer; all stay alive until it returns.
    static func withPointers(_ buffers: GuardedBytes..., body: ([UnsafeMutablePointer<UInt8>]) -> Void) {
        withExtendedLifetime(buffers) { body(buffers.map { $0.pointer(as: UInt8.self) }) }
    }
}
