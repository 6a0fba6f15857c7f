// KnownPhotos: which of a folder's photos have been answered: by name, size and time of the last writing, since a folder that comes back may
// give its files other numbers. 8 bytes each.

import CDeviceShim
import TinyRuntime

struct KnownPhotos {
    /// Ascending.
    private var hashes: [UInt64] = []

    var count: Int { hashes.count }

    static func hash(_ name: UnsafePointer<CChar>, _ identity: device_identity) -> UInt64 {
        let words: InlineArray<4, UInt64> = [
            XXH64.hash(UnsafeRawBufferPointer(Argument(pointer: name).bytes)), identity.size,
            UInt64(bitPattern: identity.seconds), UInt64(bitPattern: identity.nanoseconds),
        ]
        return words.span.withUnsafeBytes { XXH64.hash($0) }
    }

    func contains(_ hash: UInt64) -> Bool {
        let place = place(hash)
        return place < hashes.count && hashes[place] == hash
    }

    mutating func insert(_ hash: UInt64) {
        let place = place(hash)
        if place == hashes.count || hashes[place] != hash { hashes.insert(hash, at: place) }
    }

    /// The first that is not below `hash`.
    private func place(_ hash: UInt64) -> Int {
        var (low, high) = (0, hashes.count)
        while low < high {
            let middle = (low + high) / 2
            if hashes[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
