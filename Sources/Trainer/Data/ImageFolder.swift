// ImageFolder: one folder of class folders, listed: DIR/CLASS/…/photo.jpg. Classes and files are sorted by their names' bytes, so the
// listing is the same on every machine and file system. Left out: opening the photos (BadImageScan), splits (DatasetIndex).

import Foundation
import ImageCodec
import ModelGraph

package struct ImageFolder: Sendable, Equatable {
    /// A photo by its place: path = folder/class/…; label is the class's index.
    package struct Sample: Sendable, Equatable {
        package var path: String
        package var label: Int
        package init(path: String, label: Int) {
            self.path = path
            self.label = label
        }
    }

    package var folder: String
    /// Names of the class folders, those without images too.
    package var classes: [String]
    package var samples: [Sample]

    /// Deepest folder below a class that is visited; a link that points back to its own parent ends here.
    private static let depthLimit = 8

    /// Lists `folder`; hidden names (a leading dot) and files that are not images by their extension are passed over.
    /// - Throws: `FileError.missing`, `DatasetError.notAFolder`, `FileError.unreadable` for a folder without permission.
    package init(listing folder: String) throws {
        guard let kind = Self.kind(folder) else { throw FileError.missing(path: folder) }
        guard kind == .folder else { throw DatasetError.notAFolder(path: folder) }
        self.folder = folder
        classes = try Self.names(in: folder).filter { Self.kind(folder + "/" + $0) == .folder }
        samples = []
        for (label, name) in classes.enumerated() {
            var paths: [String] = []
            try Self.collect(folder + "/" + name, depth: 0, into: &paths)
            samples += paths.map { Sample(path: $0, label: label) }
        }
    }

    /// Classes without a sample.
    package var emptyClasses: [String] {
        let used = Set(samples.map(\.label))
        return classes.indices.filter { !used.contains($0) }.map { classes[$0] }
    }

    enum Kind { case folder, file }

    /// Links are followed; nil where there is nothing.
    static func kind(_ path: String) -> Kind? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return nil }
        return isFolder.boolValue ? .folder : .file
    }

    /// Visible names, sorted by their UTF-8 bytes.
    static func names(in folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        } catch {
            throw FileError.unreadable(path: folder, reason: "the folder could not be listed")
        }
    }

    private static func collect(_ folder: String, depth: Int, into paths: inout [String]) throws {
        for name in try names(in: folder) {
            let path = folder + "/" + name
            switch kind(path) {
            case .folder where depth < depthLimit: try collect(path, depth: depth + 1, into: &paths)
            case .file where ImageFile.isImage(path: path): paths.append(path)
            default: break
            }
        }
    }
}
