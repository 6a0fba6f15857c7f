// The report's page, read by a strict XML parser: every layer's figures are the JSON's, what comes from outside is text,
// nothing is fetched, equal reports give equal bytes.

import Converter
import Foundation
import FoundationXML
import ModelGraph
import Testing

struct ReportPageTests {
    static let report = Result {
        let graph = NetworkBuilder.interactive(separable: true, seed: 31)
        let photos = try PhotoFolder(count: 24, side: 32, seed: 5)
        let unseen = try PhotoFolder(count: 30, side: 32, seed: 6)
        var labelled = try unseen.images
        for index in labelled.indices { labelled[index].label = index % 7 }
        var report = try ConversionPipeline.convert(
            graph, calibration: photos.images, evaluation: labelled, options: ConversionOptions()
        ) { _ in }.report
        report.options = [.init(name: "--ranges", value: "mse")]
        report.command = "tiny convert 'a b.onnx'"
        return report
    }

    @Test func everyLayersFiguresAreTheJSONs() throws {
        let report = try Self.report.get()
        let page = try Page(ReportPage(report).html)
        let object = try #require(try JSONSerialization.jsonObject(with: report.json()) as? [String: Any])
        let layers = try #require(object["layers"] as? [[String: Any]])
        let section = try #require(page.element("section", id: "figures"))
        let rows = section.all("tr").dropFirst()
        #expect(rows.count == layers.count && layers.count > 40)
        let keys = [
            "sqnr_db", "input_sqnr_db", "minimum", "maximum", "low", "high", "saturated_share", "multiply_adds",
            "weight_bytes", "constant_bytes", "output_bytes", "alive_bytes",
        ]
        for (row, layer) in zip(rows, layers) {
            let name = try #require(layer["name"] as? String)
            let cells = row.all("td")
            #expect(cells[1].text == name)
            #expect(cells[2].text == layer["op"] as? String)
            for (cell, key) in zip(cells.dropFirst(5), keys) {
                let shown = cell.all("data").first?.attributes["value"].flatMap(Double.init)
                let expected = (layer[key] as? NSNumber)?.doubleValue
                #expect((shown == nil) == (expected == nil), "\(name) \(key)")
                // Foundation's untyped JSON reader is off by a few last bits.
                let difference = abs((shown ?? 0) - (expected ?? 0))
                #expect(difference <= 1e-14 * abs(expected ?? 0), "\(name) \(key): \(difference)")
            }
        }
        // The drawing has a row and a stop for the photo and each layer.
        let network = try #require(page.element("section", id: "network"))
        #expect(network.all("circle").count == layers.count + 1)
        #expect(network.all("div").count { $0.attributes["class"] == "row" } == layers.count + 1)
        // The memory plan has a box for each activation, inside the picture.
        let boxes = try #require(page.element("section", id: "memory")).all("rect").dropFirst()
        #expect(boxes.count == report.memoryPlan.count)
        for box in boxes {
            let y = try #require(box.attributes["y"].flatMap(Double.init))
            let height = try #require(box.attributes["height"].flatMap(Double.init))
            #expect(y >= -0.01 && y + height <= 300.51)
        }
    }

    @Test func theAnswersAreThere() throws {
        let report = try Self.report.get()
        let page = try Page(ReportPage(report).html)
        #expect(page.root.text.contains(report.verdict.headline))
        #expect(page.root.text.contains("\(report.equalAnswers) of \(report.images) photos"))
        #expect(page.root.text.contains("tiny convert 'a b.onnx'"))
        for photo in report.calibrationPhotos { #expect(page.root.text.contains(photo)) }
        let shown = page.element("section", id: "changed")?.all("div").count { $0.attributes["class"] == "photo" } ?? 0
        #expect(shown == min(report.changed.count, ReportPage.photoLimit))
        let int8 = try #require(report.confusion.int8)
        let cells = try #require(page.element("section", id: "confusion")).all("table")[0].all("td")
        let shownPhotos: Int = cells.compactMap { Int($0.text) }.reduce(0, +)
        #expect(shownPhotos == report.images && int8.count == 7)
    }

    @Test func equalReportsGiveEqualBytesAndNothingIsFetched() throws {
        let report = try Self.report.get()
        let html = ReportPage(report).html
        #expect(html == ReportPage(report).html)
        // The namespace is a name, not an address that is opened.
        let rest = html.replacingOccurrences(of: "xmlns=\"http://www.w3.org/1999/xhtml\"", with: "")
        for address in ["http:", "https:", "url(", "@import", "=\"//"] { #expect(!rest.contains(address), "\(address)") }
        let page = try Page(html)
        #expect(page.root.all("script").isEmpty && page.root.all("link").isEmpty)
        for image in page.root.all("img") { #expect(image.attributes["src"]?.hasPrefix("data:image/jpeg;base64,") == true) }
    }

    @Test func styleReadsTheSameInXMLAndHTML() throws {
        let page = try Page(ReportPage(try Self.report.get()).html)
        let style = try #require(page.root.all("style").first).text
        #expect(!style.contains { "<>&".contains($0) })
        #expect(style.contains("prefers-color-scheme: dark"))
        #expect(style.count { $0 == "{" } == style.count { $0 == "}" })
    }

    @Test func hostileTextStaysText() throws {
        var report = try Self.report.get()
        let hostile = [
            "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onload='x", "&amp;&#60;", "]]>",
            "\u{202E}gpj.exe\u{202D}", "a\u{2066}b", String(repeating: "long ", count: 2000), "\u{0}\u{1}\u{FFFF}\u{85}|",
            "日本語 عربي", "</style><style>*{display:none}",
        ]
        report.contract.labels = hostile
        report.classes = hostile.count
        report.model = hostile[0]
        report.notes = hostile
        report.command = hostile[1]
        report.calibrationPhotos = hostile
        report.skippedPhotos = hostile.map { .init(photo: $0, reason: $0) }
        report.layers[0].name = hostile[1]
        report.memoryPlan[0].name = hostile[0]
        report.options = hostile.map { .init(name: "--labels", value: $0) }
        report.changed = hostile.map { text in
            let guess = ConversionReport.ChangedAnswer.Guess(index: 0, label: text, probability: 0.5)
            return .init(photo: text, label: text, float: [guess], int8: [guess])
        }
        let matrix = (0..<hostile.count).map { row in (0..<hostile.count).map { $0 == row ? 1 : 0 } }
        report.confusion.float = matrix
        report.confusion.int8 = matrix
        let page = try Page(ReportPage(report).html)
        #expect(page.root.all("script").isEmpty && page.root.all("style").count == 1 && page.root.all("img").isEmpty)
        for element in page.root.all("*") {
            #expect(!element.attributes.keys.contains { $0.hasPrefix("on") }, "\(element.name) \(element.attributes)")
        }
        let expected = hostile.map { text in
            String(String.UnicodeScalarView(text.unicodeScalars.map { scalar in
                let code = scalar.value
                return code < 0x20 || (0x7F...0x9F).contains(code) || code >= 0xFFFE && code <= 0xFFFF ? "\u{FFFD}" : scalar
            }))
        }
        let heads = try #require(page.element("section", id: "confusion")).all("thead")[0].all("bdi").map(\.text)
        #expect(heads == expected)
        let listed = try #require(page.element("section", id: "photos")).all("ul")[0].all("bdi").map(\.text)
        #expect(listed == expected)
        #expect(page.root.all("title").first?.text.hasPrefix("<script>alert(1)</script>") == true)
        // A label in the middle of a sentence cannot turn the sentence round.
        for element in page.root.all("*") where element.ownText.unicodeScalars.contains("\u{202E}") {
            #expect(["bdi", "title", "code"].contains(element.name), "\(element.name)")
        }
    }

    @Test func aReportWithoutLabelsOrChangesHasAPageToo() throws {
        var report = try Self.report.get()
        report.contract.labels = nil
        report.floatTop1 = nil
        report.int8Top1 = nil
        report.floatTop5 = nil
        report.int8Top5 = nil
        report.changed = []
        report.confusion = .init(isOfLabels: false, float: nil, int8: nil, pairs: [])
        report.logitsSqnrDb = nil
        report.command = nil
        report.options = []
        let page = try Page(ReportPage(report).html)
        #expect(page.element("section", id: "changed") == nil && page.element("section", id: "confusion") == nil)
        #expect(page.element("section", id: "network") != nil)
    }
}

/// The page as a tree, by Foundation's parser, which refuses what is not well-formed.
private final class Page: NSObject, XMLParserDelegate {
    final class Element {
        let name: String
        let attributes: [String: String]
        var children: [Element] = []
        var text = ""
        /// Without the children's.
        var ownText = ""
        init(_ name: String, _ attributes: [String: String]) {
            self.name = name
            self.attributes = attributes
        }

        func all(_ name: String) -> [Element] {
            children.flatMap { ($0.name == name || name == "*" ? [$0] : []) + $0.all(name) }
        }
    }

    let root = Element("", [:])
    private var open: [Element] = []

    init(_ html: String) throws {
        super.init()
        open = [root]
        let parser = XMLParser(data: Data(html.utf8))
        parser.delegate = self
        guard parser.parse(), open.count == 1 else {
            throw parser.parserError ?? CocoaError(.fileReadCorruptFile)
        }
    }

    func element(_ name: String, id: String) -> Element? { root.all(name).first { $0.attributes["id"] == id } }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        let element = Element(name, attributes)
        open.last?.children.append(element)
        open.append(element)
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        for element in open { element.text += text }
        open.last?.ownText += text
    }
}
