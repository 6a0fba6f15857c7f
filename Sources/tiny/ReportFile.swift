// ReportFile: the conversion's report as files, their kind by their names, and the command that made it in words that a
// shell takes back.

import Converter
import Foundation
import ModelGraph

enum ReportFile {
    enum Kind { case page, json }

    static func kind(of path: String) -> Kind? {
        switch (path as NSString).pathExtension.lowercased() {
        case "html", "htm": .page
        case "json": .json
        default: nil
        }
    }

    /// - Throws: `FileError.notWritten`.
    static func write(_ report: ConversionReport, to paths: [String], threads: Int) throws {
        for path in paths {
            switch kind(of: path) {
            case .page:
                let page = ReportPage.illustrated(report, threads: threads)
                try FileContents.write(Data(page.html.utf8), to: path)
            case .json: try FileContents.write(report.json(pretty: true) + Data("\n".utf8), to: path)
            case nil: continue
            }
        }
    }

    static func options(_ all: [(name: String, value: String?)]) -> [ConversionReport.Option] {
        all.compactMap { name, value in value.map { ConversionReport.Option(name: name, value: $0) } }
    }

    /// The arguments as typed, the program by its name alone.
    static func command(_ arguments: [String]) -> String {
        (["tiny"] + arguments.dropFirst()).map(quoted).joined(separator: " ")
    }

    /// Bare where a shell would take it as it is, else in single quotes.
    private static func quoted(_ argument: String) -> String {
        let isBare = !argument.isEmpty && argument.utf8.allSatisfy { bare.contains($0) }
        return isBare ? argument : "'" + argument.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }

    private static let bare = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=+@%".utf8)
}
