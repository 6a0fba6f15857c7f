// Figures: numbers as a person reads them, in the report's text and page alike. Always with a point, whatever the
// locale.

import Foundation

enum Figures {
    static func percent(_ share: Double, digits: Int = 2) -> String { fixed(100 * share, digits) + " %" }

    static func decibel(_ value: Double?) -> String { value.map { fixed($0, 1) + " dB" } ?? "no noise" }

    /// Four digits.
    static func short(_ value: Double) -> String { String(format: "%.4g", value) }

    static func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

    /// 12 345 678, with thin spaces that do not break.
    static func grouped(_ value: Int) -> String {
        var text = ""
        for (place, digit) in String(abs(value)).reversed().enumerated() {
            if place > 0 && place % 3 == 0 { text.append("\u{202F}") }
            text.append(digit)
        }
        return (value < 0 ? "−" : "") + String(text.reversed())
    }

    /// Three digits and a unit of thousands: 4.97 MB.
    static func bytes(_ value: Int) -> String {
        value < 1000 ? "\(value) B" : scaled(Double(value), ["kB", "MB", "GB", "TB"], "B")
    }

    /// 387 M.
    static func count(_ value: Int) -> String {
        value < 1000 ? "\(value)" : scaled(Double(value), ["k", "M", "G", "T"], "")
    }

    private static func scaled(_ value: Double, _ units: [String], _ none: String) -> String {
        var value = value / 1000
        var place = 0
        while value >= 999.5, place + 1 < units.count {
            value /= 1000
            place += 1
        }
        return fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + " " + units[place]
    }
}
