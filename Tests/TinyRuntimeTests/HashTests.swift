// XXH64 and SplitMix64 against published vectors.

import Testing
import TinyRuntime

@Suite struct HashTests {
    /// python: xxhash.xxh64(bytes, seed).hexdigest() of xxHash 0.8; the bytes are i·131 + 7 modulo 256 for i in 0 ..< count.
    @Test(arguments: XXH64Vectors.all)
    func xxh64EqualsTheReferenceImplementation(vector: XXH64Vectors.Vector) {
        let bytes = (0..<vector.count).map { UInt8(truncatingIfNeeded: $0 * 131 + 7) }
        #expect(bytes.withUnsafeBytes { XXH64.hash($0, seed: vector.seed) } == vector.hash)
        // In pieces of every kind of size: the same.
        for piece in [1, 7, 31, 32, 33, 64, 1000] {
            var state = XXH64(seed: vector.seed)
            for start in stride(from: 0, to: bytes.count, by: piece) {
                bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes { state.update($0) }
            }
            #expect(state.digest() == vector.hash, "in pieces of \(piece)")
        }
    }

    /// The first outputs for seed 1234567 (Rosetta Code, "Pseudo-random numbers/Splitmix64").
    @Test func splitMix64EqualsPublishedOutputs() {
        var generator = SplitMix64(seed: 1_234_567)
        #expect(
            (0..<5).map { _ in generator.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }
}
