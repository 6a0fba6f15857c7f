// DatasetIndex: which photos are for training, which for validation, and their classes. Two layouts:
//   DIR/train/CLASS/photo.jpg with DIR/val (or validation, or test)/CLASS/photo.jpg, used as they stand;
//   DIR/CLASS/photo.jpg (or a DIR/train alone), of which each class gives a share to validation, chosen by a seed.
// The hash tells whether two runs saw the same files: it covers relative names, labels and sizes, not the pixels.

import Foundation
import ModelGraph
import TinyRuntime

package struct DatasetIndex: Sendable, Equatable {
    package typealias Sample = ImageFolder.Sample

    package var root: String
    /// Sorted; a label is an index into it.
    package var classes: [String]
    package var training: [Sample]
    package var validation: [Sample]
    /// XXH64 over the listing, 16 hexadecimal digits.
    package var hash: String
    /// True where validation was split off by the seed.
    package var isSplitBySeed: Bool

    /// Names of a validation folder, the first that exists is used.
    package static let validationNames = ["val", "validation", "test"]

    /// - Parameters:
    ///   - folder: In either layout.
    ///   - seed: Chooses the validation photos where no folder holds them; the same files and seed give the same split.
    ///   - validationShare: Share of each class, 0 ..< 1, rounded to the nearest count; at least one photo of a class stays in training.
    /// - Throws: `DatasetError` that names what is missing, `FileError` for the folder itself.
    package init(folder: String, seed: UInt64, validationShare: Double = 0.2) throws {
        precondition((0..<1).contains(validationShare), "validation share \(validationShare)")
        let root = Self.withoutTrailingSlash(folder)
        let trainFolder = root + "/train"
        let hasTrainFolder = Self.holdsClasses(trainFolder)
        let trainListing = try ImageFolder(listing: hasTrainFolder ? trainFolder : root)
        try Self.check(trainListing)
        self.root = root
        classes = trainListing.classes
        if hasTrainFolder, let name = Self.validationNames.first(where: { Self.holdsClasses(root + "/" + $0) }) {
            training = trainListing.samples
            validation = try Self.labelled(
                try ImageFolder(listing: root + "/" + name), classes: classes, known: trainListing.folder)
            isSplitBySeed = false
        } else {
            (training, validation) = Self.split(
                trainListing, seed: seed, share: validationShare)
            isSplitBySeed = true
        }
        hash = try Self.hash(root: root, samples: training + validation)
    }

    /// The photos to evaluate or calibrate a model with: those of DIR/val (validation, test) where there is one, otherwise all of DIR/CLASS/.
    /// - Parameter classes: The model's labels: samples are numbered by them, so a folder need not hold every class.
    /// - Throws: `DatasetError.unknownClasses` for a class folder that the model does not know; `.noImages`.
    package static func evaluationSamples(folder: String, classes: [String]) throws -> [Sample] {
        let root = withoutTrailingSlash(folder)
        let name = validationNames.first { holdsClasses(root + "/" + $0) }
        let listing = try ImageFolder(listing: name.map { root + "/" + $0 } ?? root)
        guard !listing.samples.isEmpty else { throw DatasetError.noImages(folder: listing.folder) }
        return try labelled(listing, classes: classes, known: "the model")
    }

    // MARK: Parts

    private static func withoutTrailingSlash(_ folder: String) -> String {
        var path = folder
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// A folder of folders. (`train` that holds photos directly is a class called "train".)
    private static func holdsClasses(_ folder: String) -> Bool {
        guard ImageFolder.kind(folder) == .folder, let names = try? ImageFolder.names(in: folder) else { return false }
        return names.contains { ImageFolder.kind(folder + "/" + $0) == .folder }
    }

    private static func check(_ listing: ImageFolder) throws {
        guard !listing.samples.isEmpty else { throw DatasetError.noImages(folder: listing.folder) }
        let empty = listing.emptyClasses
        guard empty.isEmpty else { throw DatasetError.emptyClasses(folder: listing.folder, classes: empty) }
        guard listing.classes.count > 1 else {
            throw DatasetError.oneClass(folder: listing.folder, name: listing.classes[0])
        }
    }

    private static func labelled(_ listing: ImageFolder, classes: [String], known: String) throws -> [Sample] {
        let labels = Dictionary(classes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let used = Set(listing.samples.map(\.label))
        let unknown = listing.classes.indices.filter { used.contains($0) && labels[listing.classes[$0]] == nil }
        guard unknown.isEmpty else {
            throw DatasetError.unknownClasses(
                folder: listing.folder, classes: unknown.map { listing.classes[$0] }, known: known)
        }
        return listing.samples.compactMap { sample in
            labels[listing.classes[sample.label]].map { Sample(path: sample.path, label: $0) }
        }
    }

    private static func split(
        _ listing: ImageFolder, seed: UInt64, share: Double
    ) -> (training: [Sample], validation: [Sample]) {
        var validation: Set<String> = []
        let byLabel = Dictionary(grouping: listing.samples, by: \.label)
        for label in listing.classes.indices {
            var paths = byLabel[label, default: []].map(\.path)
            let count = min(Int((Double(paths.count) * share).rounded()), paths.count - 1)
            var random = RandomStream(key: [seed, splitPurpose, UInt64(label)])
            paths.shuffle(using: &random)
            validation.formUnion(paths.prefix(count))
        }
        return (
            listing.samples.filter { !validation.contains($0.path) },
            listing.samples.filter { validation.contains($0.path) }
        )
    }

    /// Keeps the split's random numbers apart from those of the order and the augmentation.
    private static let splitPurpose: UInt64 = 0x53504C4954  // "SPLIT"

    private static func hash(root: String, samples: [Sample]) throws -> String {
        var bytes: [UInt8] = []
        for sample in samples {
            var status = stat()
            guard stat(sample.path, &status) == 0 else {
                throw FileError.unreadable(path: sample.path, reason: String(cString: strerror(errno)))
            }
            bytes += Array("\(sample.path.dropFirst(root.count + 1))\t\(sample.label)\t\(status.st_size)\n".utf8)
        }
        let value = bytes.withUnsafeBytes { XXH64.hash($0) }
        return String(repeating: "0", count: 16 - String(value, radix: 16).count) + String(value, radix: 16)
    }
}
