// PhotoSource: paths in, preprocessed RGB bytes out, decoded on several threads; the order and the bytes do not depend
// on how many. Left out: labels by folder for training, which is Trainer's DatasetIndex.

import Dispatch
import Foundation
import ImageCodec
import ModelGraph
import Synchronization
import TinyRuntime

package struct LabelledImage: Sendable, Equatable {
    package var path: String
    /// Index of its class; nil where unknown.
    package var label: Int?

    package init(path: String, label: Int? = nil) {
        self.path = path
        self.label = label
    }

    /// Photos in `folder` and below, by path, without labels: calibration needs none.
    /// - Throws: `FileError` where the folder is missing or cannot be read.
    package static func list(folder: String) throws -> [LabelledImage] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
            throw FileError.missing(path: folder)
        }
        guard isFolder.boolValue else { throw FileError.unreadable(path: folder, reason: "it is not a folder") }
        let names: [String]
        do {
            names = try FileManager.default.subpathsOfDirectory(atPath: folder)
        } catch {
            throw FileError.unreadable(path: folder, reason: error.localizedDescription)
        }
        // Bytewise: the same order whatever the locale.
        return names.filter(ImageFile.isImage(path:)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map {
            LabelledImage(path: (folder as NSString).appendingPathComponent($0))
        }
    }

    /// At most `limit` of `images`, drawn without replacement, in their own order.
    package static func drawn(_ images: [LabelledImage], limit: Int?, seed: UInt64) -> [LabelledImage] {
        guard let limit, limit < images.count else { return images }
        var generator = SplitMix(state: seed)
        var indices = Array(images.indices)
        for place in 0..<max(limit, 0) {
            indices.swapAt(place, place + Int(generator.next() % UInt64(indices.count - place)))
        }
        return indices.prefix(max(limit, 0)).sorted().map { images[$0] }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the next number from a 64-bit state.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A photo as the network's input: H×W×3 bytes, before mean and deviation.
package struct Photo: Sendable {
    package var image: LabelledImage
    package var pixels: [UInt8]
}

package struct PhotoSource: Sendable {
    package let metadata: ModelMetadata
    package let threads: Int
    package let strict: Bool

    package init(metadata: ModelMetadata, threads: Int, strict: Bool) {
        self.metadata = metadata
        self.threads = max(threads, 1)
        self.strict = strict
    }

    /// Photos of one piece of work: fixed, because how photos are grouped must not depend on the number of threads.
    package static let batchSize = 8

    /// Decodes `images` and calls `body` once for each batch of readable photos, on up to `threads` threads, results in
    /// order.
    /// - Parameters:
    ///   - finished: how many photos of this task were done before, of how many; for the words of progress.
    ///   - progress: gets a line about each unreadable photo, in order, and now and then how far the work is.
    /// - Returns: the results in the photos' order, and how many photos were skipped.
    /// - Throws: with `strict`, `unreadableImage`; what `body` throws.
    package func map<Result: Sendable>(
        _ images: [LabelledImage], task: String, finished: (count: Int, total: Int)? = nil, progress: (String) -> Void,
        body: @escaping @Sendable ([Photo]) throws -> Result
    ) throws -> (results: [Result], skipped: [(path: String, reason: String)]) {
        var results: [Result] = []
        var skipped: [(path: String, reason: String)] = []
        let starts = Array(stride(from: 0, to: images.count, by: Self.batchSize))
        // A round of a few batches a thread, so that progress and errors come in order without holding all photos at
        // once.
        let round = threads * 2
        for first in stride(from: 0, to: starts.count, by: round) {
            let batches = Array(starts[first..<min(first + round, starts.count)])
            let outcomes = Parallel.map(count: batches.count, threads: threads) { index -> Outcome<Result> in
                let batch = images[batches[index]..<min(batches[index] + Self.batchSize, images.count)]
                return Outcome(batch, metadata: metadata, body: body)
            }
            for outcome in outcomes {
                for failure in outcome.skipped {
                    if strict { throw ConversionError.unreadableImage(path: failure.path, reason: failure.reason) }
                    progress("skipped \(failure.path): \(failure.reason)")
                }
                skipped += outcome.skipped
                if let result = try outcome.result?.get() { results.append(result) }
            }
            let done = min((first + round) * Self.batchSize, images.count) + (finished?.count ?? 0)
            progress("\(task): \(done) of \(finished?.total ?? images.count) photos")
        }
        return (results, skipped)
    }

    private struct Outcome<Value: Sendable>: Sendable {
        var result: Swift.Result<Value, any Error>?
        var skipped: [(path: String, reason: String)] = []

        init(_ batch: ArraySlice<LabelledImage>, metadata: ModelMetadata, body: ([Photo]) throws -> Value) {
            var photos: [Photo] = []
            for image in batch {
                do {
                    let decoded = try ImageFile.decode(path: image.path, for: metadata.preprocessing)
                    let ready = try decoded.preprocessed(by: metadata.preprocessing)
                    photos.append(Photo(image: image, pixels: ready.pixels))
                } catch {
                    skipped.append((image.path, "\(error)"))
                }
            }
            if !photos.isEmpty { result = Swift.Result { try body(photos) } }
        }
    }
}

/// Independent pieces of work on several threads, results in order.
package enum Parallel {
    package static func map<Result: Sendable>(
        count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Result
    ) -> [Result] {
        guard threads > 1, count > 1 else { return (0..<count).map(body) }
        let results = Mutex([Result?](repeating: nil, count: count))
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < count else { return }
                let result = body(index)
                results.withLock { $0[index] = result }
            }
        }
        return results.withLock { $0.compactMap { $0 } }
    }
}
