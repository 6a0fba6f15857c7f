// ReportPage: a ConversionReport as one self-contained page: no script, and nothing is fetched from anywhere (its own
// content security policy says so too). Data in, text out: the page holds no fact that the report does not. Parts in
// files of their own: +Answers, +Network, +Memory, +Sources; look in ReportStyle.

import Foundation

package struct ReportPage: Sendable {
    let report: ConversionReport
    /// Data URIs by photo.
    let thumbnails: [String: String]

    /// Photos whose answer changed that are shown as pictures.
    package static let photoLimit = 24

    /// - Parameter thumbnails: see `Thumbnails.uris`; photos without one are shown by name.
    package init(_ report: ConversionReport, thumbnails: [String: String] = [:]) {
        self.report = report
        self.thumbnails = thumbnails
    }

    /// With the thumbnails that it shows.
    package static func illustrated(_ report: ConversionReport, threads: Int) -> ReportPage {
        let photos = report.changed.prefix(photoLimit).map(\.photo)
        return ReportPage(report, thumbnails: Thumbnails.uris(of: photos, threads: threads))
    }

    package var html: String {
        let head = tag(
            "head", [],
            tag("meta", [("charset", "utf-8")]),
            tag("meta", [("name", "viewport"), ("content", "width=device-width, initial-scale=1")]),
            tag("meta", [("name", "color-scheme"), ("content", "light dark")]),
            tag(
                "meta",
                [
                    ("http-equiv", "Content-Security-Policy"),
                    ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'"),
                ]),
            tag("title", [], .text("\(Self.abbreviated(report.model, 80)) in int8: conversion report")),
            tag("style", [], .text(ReportStyle.css)))
        let sections = [
            changedAnswers, network, lossiestLayers, memory, confusion, confidence, layerTable, photos, settings, glossary,
        ].compactMap { $0 }
        let main = tag(
            "main", [], verdict(sections), cards, .group(sections.map(\.markup)))
        let page = tag(
            "html", [("xmlns", "http://www.w3.org/1999/xhtml"), ("lang", "en")], head, tag("body", [], main))
        return "<!DOCTYPE html>\n" + page.text + "\n"
    }

    /// A part of the page with its place in the menu.
    struct Section {
        var id: String
        var title: String
        var markup: Markup

        init(_ id: String, _ title: String, menu: String? = nil, _ contents: Markup...) {
            self.id = id
            self.title = menu ?? title
            markup = .element(
                "section", [.init("id", id)], [tag("h2", [], .text(title))] + contents)
        }
    }

    // MARK: Top

    private func verdict(_ sections: [Section]) -> Markup {
        let verdict = report.verdict
        let words: (String, String) =
            switch verdict.level {
            case .good: ("good", "✓ Good conversion")
            case .fair: ("fair", "! Usable, with losses")
            case .poor: ("poor", "✕ Poor conversion")
            }
        let menu = sections.map { tag("a", [("href", "#\($0.id)")], .text($0.title)) }
        return tag(
            "section", "verdict \(words.0)",
            tag("p", "eyebrow", "Conversion report, float to int8"),
            tag("h1", [], Self.outside(report.model)),
            tag("p", "headline", .text(verdict.headline)),
            tag("p", [], tag("span", "badge", .text(words.1)), .text("  \(verdict.explanation)")),
            notes,
            tag("nav", [("aria-label", "Sections")], all: menu))
    }

    private var notes: Markup {
        report.notes.isEmpty
            ? .nothing
            : tag("ul", "plain", all: report.notes.map { tag("li", [], "Note: ", Self.outside($0)) })
    }

    private var cards: Markup {
        var cards: [Markup] = [
            card(
                "Equal answers", Figures.percent(report.agreement, digits: 1),
                hint: "\(report.equalAnswers) of \(report.images) photos: int8's best class is float's")
        ]
        func pair(_ name: String, _ float: Double?, _ int8: Double?, _ hint: String) {
            guard let float, let int8 else { return }
            cards.append(
                tag(
                    "div", "card", tag("div", "name", .text(name)),
                    tag(
                        "div", "figure", .text(Figures.percent(int8, digits: 1)),
                        tag("span", "then", .text("float \(Figures.percent(float, digits: 1))"))),
                    tag("div", "hint", .text(hint))))
        }
        pair(
            "Top-1 of int8", report.floatTop1, report.int8Top1,
            "right answers of \(report.labelledImages) labelled photos")
        pair("Top-5 of int8", report.floatTop5, report.int8Top5, "the right class is among the best five")
        cards.append(
            card(
                "Logits' SQNR", Figures.decibel(report.logitsSqnrDb),
                hint: "signal over quantization noise; 6 dB more is half the noise"))
        cards.append(
            card(
                "File", Figures.bytes(report.fileBytes),
                hint: "float weights \(Figures.bytes(report.floatBytes))"))
        cards.append(
            card(
                "Arena", Figures.bytes(report.arenaBytes),
                hint: "memory for activations on the device; \(Figures.bytes(report.arenaLowerBoundBytes)) at the least"))
        cards.append(
            card(
                "Multiply-adds", Figures.count(report.multiplyAdds),
                hint: "for one photo, in \(report.layers.count) layers"))
        return tag("div", "cards", all: cards)
    }

    func card(_ name: String, _ figure: String, hint: String) -> Markup {
        tag(
            "div", "card", tag("div", "name", .text(name)), tag("div", "figure", .text(figure)),
            tag("div", "hint", .text(hint)))
    }

    // MARK: Words and numbers

    /// Text from outside, alone in its direction: marks that turn the direction of writing end with it.
    static func outside(_ text: String) -> Markup { tag("bdi", "clamp", .text(text)) }

    /// The same in one line; the whole where it is pointed at.
    static func clipped(_ text: String) -> Markup {
        .element("bdi", [.init("class", "clip"), .init("title", abbreviated(text, 400))], [.text(text)])
    }

    static func abbreviated(_ text: String, _ limit: Int) -> String {
        text.count > limit ? text.prefix(limit - 1) + "…" : text
    }

    /// A number rounded for people, with its value as the JSON has it.
    static func number(_ value: Double?, _ text: String) -> Markup {
        guard let value else { return .text(text) }
        return tag("data", [("value", "\(value)")], .text(text))
    }

    static func number(_ value: Int) -> Markup {
        tag("data", [("value", "\(value)")], .text(Figures.grouped(value)))
    }

    /// A table that scrolls inside itself.
    /// - Parameter columns: heading, and whether numbers stand there.
    static func table(
        _ columns: [(title: String, isNumber: Bool)], _ rows: [[Markup]], tall: Bool = false, wrapping: Set<Int> = []
    ) -> Markup {
        let head = columns.map { tag("th", [("scope", "col"), ("class", $0.isNumber ? "number" : "word")], .text($0.title)) }
        let body = rows.map { row in
            tag(
                "tr", [],
                all: zip(row.indices, row).map { column, cell in
                    tag(
                        "td", columns[column].isNumber ? "number" : wrapping.contains(column) ? "wrap" : "word", cell)
                })
        }
        return .element(
            "div",
            [
                .init("class", tall ? "scroll tall" : "scroll"), .init("tabindex", "0"), .init("role", "region"),
                .init("aria-label", "Table"),
            ],
            [tag("table", [], tag("thead", [], tag("tr", [], all: head)), tag("tbody", [], all: body))])
    }

    /// A share as a bar; the number stands beside it.
    static func bar(_ share: Double, tone: String? = nil) -> Markup {
        let width = Figures.fixed(100 * min(max(share.isFinite ? share : 0, 0), 1), 1)
        let fill = tone.map { ";--fill:var(--\($0))" } ?? ""
        return tag("div", "bar", tag("span", [("class", "fill"), ("style", "width:\(width)%\(fill)")], ""))
    }
}
