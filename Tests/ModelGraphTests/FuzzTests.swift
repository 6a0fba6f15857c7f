// Damaged files: seeded mutations of good ones. Each is read or refused with one of our errors; a crash ends the test
// run, and the seed that was running is in its output. What is read is then written and read again.
// TINY_FUZZ_ROUNDS=200000 makes a long run.

import Foundation
import ModelGraph
import Testing

struct FuzzTests {
    static let rounds = ProcessInfo.processInfo.environment["TINY_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 3000

    @Test(
        arguments: [
            "every-op", "attributes", "written", "dialects/torchscript-9", "dialects/torchscript-flatten",
            "dialects/dynamo-24",
            "dialects/tensorflow-13", "dialects/tensorflow-flatten-16", "dialects/old-7", "dialects/pieces-24",
            "dialects/float16",
        ])
    func onnx(name: String) throws {
        let good = try ONNXFiles.data(name)
        let rounds = name.hasPrefix("dialects/") ? Self.rounds / 3 : Self.rounds
        var accepted = 0
        for seed in 0..<UInt64(rounds) {
            let data = Mutation.apply(to: good, seed: seed)
            do {
                let graph = try FloatGraph(onnx: data)
                accepted += 1
                // Names of a damaged file may be any; the rest must come back.
                let again = try FloatGraph(onnx: graph.onnxData())
                #expect(again.nodes.map(\.op) == graph.nodes.map(\.op), "seed \(seed)")
            } catch let error where error is ONNXError || error is GraphError {
                #expect(!"\(error)".isEmpty)
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
        // Some mutations hit only weights and must pass: otherwise only the first check would be tested.
        #expect(accepted > rounds / 50)
        #expect(accepted < rounds)
    }

    @Test func safetensors() throws {
        let good = try Data(contentsOf: ONNXFiles.folder.appendingPathComponent("python.safetensors"))
        var accepted = 0
        for seed in 0..<UInt64(Self.rounds) {
            do {
                let file = try Safetensors(data: Mutation.apply(to: good, seed: seed))
                accepted += 1
                #expect(
                    file.entries.allSatisfy { $0.value.shape.reduce(1, *) == $0.value.values.count }, "seed \(seed)")
            } catch is SafetensorsError {
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
        #expect(accepted > Self.rounds / 50)
        #expect(accepted < Self.rounds)
    }

    @Test(arguments: ["float32", "uint8"])
    func npy(name: String) throws {
        let good = try Data(contentsOf: ONNXFiles.folder.appendingPathComponent("npy/\(name).npy"))
        var accepted = 0
        for seed in 0..<UInt64(Self.rounds) {
            do {
                _ = try NPY(data: Mutation.apply(to: good, seed: seed))
                accepted += 1
            } catch is NPYError {
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
        #expect(accepted > Self.rounds / 50)
        #expect(accepted < Self.rounds)
    }

    @Test func metadata() throws {
        let properties = MetadataTests.metadata.properties
        for seed in 0..<UInt64(Self.rounds) {
            let damaged = properties.mapValues {
                String(decoding: Mutation.apply(to: Data($0.utf8), seed: seed), as: UTF8.self)
            }
            do {
                let read = try ModelMetadata(properties: damaged)
                #expect(try ModelMetadata(properties: read.properties) == read, "seed \(seed)")
            } catch is MetadataError {
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }
}

/// One to three changes: a bit, a byte, a run of bytes cut, doubled or moved, a length made extreme, the end cut off.
enum Mutation {
    static func apply(to data: Data, seed: UInt64) -> Data {
        var generator = Generator(state: seed)
        var bytes = [UInt8](data)
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
            let place = bytes.indices.randomElement(using: &generator) ?? 0
            let run = place..<min(bytes.count, place + Int.random(in: 1...16, using: &generator))
            switch Int.random(in: 0..<8, using: &generator) {
            case 0, 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 3: bytes.removeSubrange(run)
            case 4: bytes.insert(contentsOf: bytes[run], at: place)
            case 5:
                let other = bytes.indices.randomElement(using: &generator) ?? 0
                for (offset, byte) in bytes[run].enumerated() where other + offset < bytes.count {
                    bytes[other + offset] = byte
                }
            case 6:
                let extreme: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
                for (offset, byte) in extreme.enumerated() where place + offset < bytes.count {
                    bytes[place + offset] = byte
                }
            default: bytes.removeSubrange(place...)
            }
        }
        return Data(bytes)
    }

    /// SplitMix64.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }
}
