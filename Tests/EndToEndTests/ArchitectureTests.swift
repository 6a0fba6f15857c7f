// ArchitectureTests: docs/architecture.md's arrows against every import, and the paths that the documents name against the tree.

import Foundation
import TestSupport
import Testing

@Suite struct ArchitectureTests {
    /// Which of our modules each folder may import. Apple's and Foundation's modules are not listed; the runtime's case is stricter below.
    static let arrows: [String: Set<String>] = [
        "TinyRuntime": ["CTinyKernels"],
        "tinyrt": ["TinyRuntime", "CImageShim", "CDeviceShim"],
        "ImageCodec": ["CImageShim", "TinyRuntime"],
        "Tensors": ["CTensorKernels"],
        "ModelGraph": ["Tensors", "TinyRuntime"],
        "Converter": ["ModelGraph", "Tensors", "ImageCodec", "TinyRuntime"],
        "Trainer": ["ModelGraph", "Tensors", "ImageCodec", "TinyRuntime"],
        "tiny": ["Trainer", "Converter", "ModelGraph", "Tensors", "ImageCodec", "TinyRuntime", "CDeviceShim"],
    ]
    static let ours = Set(arrows.keys).union(["CTinyKernels", "CImageShim", "CDeviceShim", "CTensorKernels", "CTinyJPEG"])

    static func imports(of folder: String) throws -> [(file: String, module: String)] {
        let root = Golden.repository.appendingPathComponent("Sources/\(folder)")
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        var found: [(String, String)] = []
        for case let url as URL in files where url.pathExtension == "swift" {
            for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
                let words = line.split(separator: " ")
                guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
                    words[..<at].allSatisfy({ $0.hasPrefix("@") || ["public", "package", "internal"].contains($0) })
                else { continue }
                found.append((url.lastPathComponent, String(words[at + 1])))
            }
        }
        return found
    }

    @Test(arguments: arrows.keys.sorted()) func importsFollowTheArrows(folder: String) throws {
        let allowed = try #require(Self.arrows[folder])
        let imports = try Self.imports(of: folder)
        #expect(!imports.isEmpty)
        for (file, module) in imports where Self.ours.contains(module) {
            #expect(allowed.contains(module), "Sources/\(folder)/\(file) imports \(module)")
        }
    }

    @Test func theRuntimeImportsItsKernelsOnly() throws {
        for (file, module) in try Self.imports(of: "TinyRuntime") {
            #expect(module == "CTinyKernels", "Sources/TinyRuntime/\(file) imports \(module)")
        }
        for (file, module) in try Self.imports(of: "tinyrt") {
            #expect(module != "Foundation", "Sources/tinyrt/\(file) imports Foundation")
        }
    }

    @Test func documentsNameFilesThatExist() throws {
        let root = Golden.repository
        var documents = ["README.md", "CONTRIBUTING.md", "models/README.md", "samples/typefaces/README.md", "samples/photos/README.md", "Examples/README.md"]
        documents += try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("docs").path)
            .filter { $0.hasSuffix(".md") }.map { "docs/" + $0 }
        let path = try Regex("(Sources|Tests|Examples|docs|tools|models|samples|Benchmarks)/[A-Za-z0-9_./-]*[A-Za-z0-9_]")
        for document in documents {
            let text = try String(contentsOf: root.appendingPathComponent(document), encoding: .utf8)
            for match in text.matches(of: path) {
                // Not a path of ours where a longer one goes on to the left.
                if match.range.lowerBound > text.startIndex {
                    let before = text[text.index(before: match.range.lowerBound)]
                    if before == "/" || before == "." || before.isLetter { continue }
                }
                let named = String(text[match.range])
                // A pattern such as docs/*.md ends before its star; what is left is a folder.
                #expect(FileManager.default.fileExists(atPath: root.appendingPathComponent(named).path), "\(document) names \(named)")
            }
        }
    }
}
