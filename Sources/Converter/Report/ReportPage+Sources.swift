// ReportPage+Sources: what the conversion was made from: photos, options, command; and what the words mean.

import Foundation

extension ReportPage {
    var photos: Section? {
        Section(
            "photos", "Calibration photos",
            tag(
                "p", "soft",
                .text(
                    "Ranges were chosen on \(report.calibrationImages) photos. They should look like what the device will see; their labels do not matter."
                )),
            list(
                "\(report.calibrationPhotos.count) photos", report.calibrationPhotos.map { Self.outside($0) },
                "plain columns"),
            skipped("calibration", report.calibrationSkippedPhotos),
            skipped("comparison", report.skippedPhotos))
    }

    private func list(_ title: String, _ items: [Markup], _ look: String) -> Markup {
        tag(
            "details", [], tag("summary", [], .text(title)),
            tag("ul", look, all: items.map { tag("li", [], $0) }))
    }

    private func skipped(_ task: String, _ photos: [ConversionReport.SkippedPhoto]) -> Markup {
        guard !photos.isEmpty else { return .nothing }
        return list(
            "\(photos.count) skipped in \(task)",
            photos.map { .group([Self.outside($0.photo), tag("span", "soft", Self.outside($0.reason))]) }, "plain")
    }

    var settings: Section? {
        let options =
            report.options.isEmpty
            ? Markup.nothing
            : Self.table(
                [("option", false), ("value", false)],
                report.options.map { [tag("code", [], .text($0.name)), Self.outside($0.value)] }, wrapping: [1])
        let command =
            report.command.map {
                Markup.group([tag("h3", [], "To repeat it"), tag("pre", [], tag("code", [], .text($0)))])
            } ?? .nothing
        return Section(
            "settings", "How it was made", menu: "Settings",
            tag(
                "ul", "plain", all: report.contract.lines.map { tag("li", [], Self.outside($0)) }), options, command)
    }

    var glossary: Section? {
        let words: [(String, String)] = [
            (
                "int8",
                "Weights and activations are whole numbers from 0 to 255 or −127 to 127 instead of 32-bit floats: a quarter of the bytes, and fast on small processors."
            ),
            (
                "SQNR",
                "Signal-to-quantization-noise ratio: the power of float's values over the power of int8's deviation from them, in decibels. 20 dB: a tenth of the amplitude is noise; 40 dB: a hundredth."
            ),
            ("Equal answers", "Photos on which int8's most probable class is float's. It needs no labels."),
            ("Saturated", "Values beyond the range that the 256 steps cover; they are set to its end."),
            ("Arena", "The memory that the activations share on the device. Weights are read from the file."),
            ("MACs", "Multiply-adds: the work of convolutions and linear layers for one photo."),
        ]
        return Section(
            "words", "What the words mean", menu: "Words",
            tag("dl", [], all: words.flatMap { [tag("dt", [], .text($0.0)), tag("dd", [], .text($0.1))] }))
    }
}
