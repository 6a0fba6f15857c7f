// ReportPage+Answers: the photos whose answer changed, which classes are taken for which, how sure the answers are.

import Foundation

extension ReportPage {
    // MARK: Changed answers

    var changedAnswers: Section? {
        let changed = report.changed
        guard !changed.isEmpty else { return nil }
        let shown = changed.prefix(Self.photoLimit)
        let more =
            changed.count > shown.count ? " The first \(shown.count) are shown; the JSON report has all of them." : ""
        return Section(
            "changed", "Photos whose answer changed", menu: "Changed answers",
            tag(
                "p", "soft",
                .text(
                    "On \(changed.count) of \(report.images) photos int8's best class is not float's. Often both were "
                        + "nearly as probable before; a sure answer that changed deserves a look.\(more)")),
            tag("div", "photos", all: shown.map(photo)))
    }

    private func photo(_ changed: ConversionReport.ChangedAnswer) -> Markup {
        let picture: Markup =
            if let uri = thumbnails[changed.photo] {
                tag("img", [("src", uri), ("alt", "")])
            } else {
                tag("div", "gone", "no picture")
            }
        let truth: Markup =
            changed.label.map { tag("div", "small", "labelled ", Self.clipped($0)) } ?? .nothing
        return tag(
            "div", "photo", picture,
            tag(
                "div", [], Self.line(of: changed.photo), truth,
                answer("float", changed.float, changed.label), answer("int8", changed.int8, changed.label)))
    }

    private static func line(of path: String) -> Markup {
        tag("div", "file", .element("bdi", [.init("class", "clamp")], [.text(path)]))
    }

    private func answer(
        _ who: String, _ guesses: [ConversionReport.ChangedAnswer.Guess], _ label: String?
    ) -> Markup {
        guard let best = guesses.first else { return .nothing }
        let mark = label.map { best.label == $0 ? "what right" : "what wrong" } ?? "what"
        let sign = label.map { best.label == $0 ? "✓ " : "✕ " } ?? ""
        return tag(
            "div", "answer",
            tag("span", "who", .text(who)),
            tag(
                "span", [("class", mark), ("title", Self.abbreviated(best.label, 400))], .text(sign),
                tag("bdi", [], .text(best.label))),
            Self.number(best.probability, Figures.percent(best.probability, digits: 0)),
            Self.bar(best.probability))
    }

    // MARK: Confusion

    var confusion: Section? {
        let confusion = report.confusion
        guard confusion.int8 != nil || !confusion.pairs.isEmpty else { return nil }
        let truth = confusion.isOfLabels ? "labelled" : "float's answer"
        let pairs =
            confusion.pairs.isEmpty
            ? tag("p", [], confusion.isOfLabels ? "No photo is taken for another class." : "No answer differs.")
            : Self.table(
                [(truth, false), ("taken for", false), ("float", true), ("int8", true)],
                confusion.pairs.map { pair in
                    [
                        Self.clipped(report.className(pair.truth)), Self.clipped(report.className(pair.answer)),
                        Self.number(pair.float), Self.number(pair.int8),
                    ]
                }, tall: true)
        return Section(
            "confusion", "Which classes are taken for which", menu: "Confusion",
            tag(
                "p", "soft",
                .text(
                    confusion.isOfLabels
                        ? "Photos by their label and the answer given; both columns count photos."
                        : "There are no labels, so float's answers stand for the truth: only what int8 changed is seen.")),
            heatMap, tag("h3", [], "Most frequent confusions"), pairs)
    }

    private var heatMap: Markup {
        guard let int8 = report.confusion.int8, let float = report.confusion.float, int8.count == report.classes else {
            return .nothing
        }
        let used = int8.indices.filter { row in
            int8[row].contains { $0 > 0 } || int8.contains { $0[row] > 0 } || float.contains { $0[row] > 0 }
        }
        guard !used.isEmpty else { return .nothing }
        let heads = used.map { tag("th", [("scope", "col")], Self.clipped(report.className($0))) }
        let rows = used.map { row in
            let sum = max(int8[row].reduce(0, +), 1)
            let cells = used.map { column -> Markup in
                let count = int8[row][column]
                let moved = count != float[row][column]
                guard count > 0 || moved else { return tag("td", [], "") }
                let kind = (count == 0 ? "" : row == column ? "own" : "other") + (moved ? " moved" : "")
                return tag(
                    "td",
                    [
                        ("class", kind), ("style", "--v:\(Figures.fixed(Double(count) / Double(sum), 3))"),
                        ("title", "int8 \(count), float \(float[row][column])"),
                    ], .text("\(count)"))
            }
            return tag(
                "tr", [], tag("th", [("scope", "row")], Self.clipped(report.className(row))), .group(cells))
        }
        return .group([
            tag(
                "p", "small soft",
                "Rows: \(report.confusion.isOfLabels ? "the label" : "float's answer"). Columns: int8's answer. Framed: float has another count."
            ),
            .element(
                "div", [.init("class", "scroll"), .init("tabindex", "0"), .init("role", "region"), .init("aria-label", "Confusion")],
                [
                    tag(
                        "table", "heat", tag("thead", [], tag("tr", [], tag("td", [], ""), .group(heads))),
                        tag("tbody", [], all: rows))
                ]),
        ])
    }

    // MARK: Confidence

    var confidence: Section? {
        guard let fit = report.confidence else { return nil }
        let note = fit.note.map { tag("p", [], .text("Note: \($0).")) } ?? .nothing
        let rejecting =
            fit.rejectionThreshold > 0
            ? "Answers less probable than \(Figures.short(Double(fit.rejectionThreshold))) are rejected on the device: the lowest threshold "
                + "at which \(Figures.percent(fit.wantedPrecision, digits: 1)) of the accepted answers are right. On these photos "
                + "\(Figures.percent(fit.coverage, digits: 1)) of answers are accepted and "
                + "\(Figures.percent(fit.acceptedAccuracy, digits: 1)) of those are right; of all answers "
                + "\(Figures.percent(fit.accuracy, digits: 1)) are."
            : "No answer is rejected on the device."
        return Section(
            "confidence", "How sure the answers are", menu: "Confidence",
            tag(
                "p", "soft",
                .text(
                    "Fitted on \(fit.images) labelled photos of \(fit.classes) classes"
                        + (fit.skipped > 0 ? ", \(fit.skipped) skipped" : "")
                        + ". The softmax is divided by a temperature so that of answers said to be 80 % sure about 80 % are right. "
                        + "It changes no answer.")),
            note,
            tag(
                "div", "cards",
                card("Temperature", Figures.short(Double(fit.temperature)), hint: "above 1: the network was too sure"),
                card(
                    "Calibration error", Figures.percent(fit.calibrationErrorAfter, digits: 1),
                    hint: "before: \(Figures.percent(fit.calibrationErrorBefore, digits: 1)); 15 bins, on the photos of the fit"),
                card(
                    "Log-likelihood", Figures.fixed(-fit.negativeLogLikelihoodAfter, 3),
                    hint: "before: \(Figures.fixed(-fit.negativeLogLikelihoodBefore, 3)); a photo, in nats: what is fitted"),
                card(
                    "Threshold", Figures.short(Double(fit.rejectionThreshold)),
                    hint: "accepts \(Figures.percent(fit.coverage, digits: 1)) of answers"),
                card(
                    "Right if accepted", Figures.percent(fit.acceptedAccuracy, digits: 1),
                    hint: "of all answers \(Figures.percent(fit.accuracy, digits: 1))")),
            tag("p", [], .text(rejecting)),
            tag(
                "div", "pair", Self.reliability(fit.binsBefore, "Before: share of right answers by how sure they are"),
                Self.reliability(fit.binsAfter, "After")))
    }

    /// Bars on the diagonal are well calibrated, below it the model is too sure. Units: hundredths, with room for axes.
    private static func reliability(_ bins: [ConfidenceFit.Bin], _ caption: String) -> Markup {
        let width = 100 / Double(max(bins.count, 1))
        let most = Double(max(bins.map(\.images).max() ?? 1, 1))
        let bars = bins.enumerated().filter { $0.element.images > 0 }.map { index, bin in
            tag(
                "rect",
                [
                    ("x", Figures.fixed(10 + Double(index) * width + 0.4, 2)),
                    ("y", Figures.fixed(105 - 100 * bin.accuracy, 2)), ("width", Figures.fixed(width - 0.8, 2)),
                    ("height", Figures.fixed(max(100 * bin.accuracy, 0.4), 2)),
                    ("opacity", Figures.fixed(0.35 + 0.65 * Double(bin.images) / most, 2)),
                ],
                tag(
                    "title", [],
                    .text(
                        "\(bin.images) photos, sure \(Figures.percent(bin.confidence, digits: 1)), right \(Figures.percent(bin.accuracy, digits: 1))"
                    )))
        }
        return tag(
            "figure", [],
            tag(
                "svg", [("class", "reliability"), ("viewBox", "-4 0 118 116"), ("role", "img"), ("aria-label", caption)],
                .group(bars),
                tag("line", [("x1", "10"), ("y1", "105"), ("x2", "110"), ("y2", "5")]),
                tag("text", [("x", "10"), ("y", "113")], "0 % sure"),
                tag("text", [("x", "110"), ("y", "113"), ("text-anchor", "end")], "100 % sure"),
                tag("text", [("x", "8"), ("y", "9"), ("text-anchor", "end")], "100"),
                tag("text", [("x", "8"), ("y", "106"), ("text-anchor", "end")], "0")),
            tag("figcaption", [], .text(caption)))
    }
}
