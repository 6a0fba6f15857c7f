// Arrays of floats from and to little-endian bytes: the one place where the file formats of this module look at byte
// order.

import Foundation

extension [Float] {
    /// - Parameter bytes: 4 × count, of any alignment.
    init(littleEndian bytes: some DataProtocol) {
        let count = bytes.count / 4
        self.init(unsafeUninitializedCapacity: count) { buffer, initialized in
            bytes.copyBytes(to: UnsafeMutableRawBufferPointer(buffer), count: 4 * count)
            initialized = count
        }
        #if _endian(big)
            for index in indices { self[index] = Float(bitPattern: self[index].bitPattern.byteSwapped) }
        #endif
    }

    var littleEndianBytes: Data {
        #if _endian(big)
            return map { Float(bitPattern: $0.bitPattern.byteSwapped) }.withUnsafeBytes { Data($0) }
        #else
            return withUnsafeBytes { Data($0) }
        #endif
    }
}
