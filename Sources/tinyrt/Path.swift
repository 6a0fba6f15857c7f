// Path: a folder's path and a name in it, as C wants them: bytes that end with a zero.

struct Path {
    private let bytes: [UInt8]

    init(_ folder: Argument, _ name: UnsafePointer<CChar>) {
        var bytes: [UInt8] = []
        bytes.append(contentsOf: folder.bytes)
        if bytes.last != 0x2F { bytes.append(0x2F) }
        bytes.append(contentsOf: Argument(pointer: name).bytes)
        bytes.append(0)
        self.bytes = bytes
    }

    func withArgument<Result>(_ body: (Argument) -> Result) -> Result {
        bytes.withUnsafeBytes { raw in
            // Not empty: it ends with a zero.
            body(Argument(pointer: raw.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self)))
        }
    }
}

/// Whether a folder's photos include this name: by its ending, in any case.
enum PhotoName {
    static func fits(_ name: UnsafePointer<CChar>) -> Bool {
        let bytes = Argument(pointer: name).bytes
        return ends(bytes, ".jpg") || ends(bytes, ".jpeg") || ends(bytes, ".png") || ends(bytes, ".ppm")
    }

    private static func ends(_ bytes: UnsafeBufferPointer<UInt8>, _ ending: StaticString) -> Bool {
        let start = bytes.count - ending.utf8CodeUnitCount
        guard start > 0 else { return false }
        for index in 0..<ending.utf8CodeUnitCount {
            let byte = bytes[start + index]
            let lower = (0x41...0x5A).contains(byte) ? byte + 0x20 : byte
            if lower != ending.utf8Start[index] { return false }
        }
        return true
    }
}
