// Markup: a page as a tree, and its one way into text. Element and attribute names are literals of this program
// (`StaticString`), everything else is escaped where it is written, so that a label or a file name from outside can
// only ever be text. What comes out is well-formed XML and valid HTML alike: a strict parser can check it.

package indirect enum Markup: Sendable {
    case element(StaticString, [Attribute], [Markup])
    case text(String)
    case group([Markup])

    package struct Attribute: Sendable {
        package var name: StaticString
        package var value: String
        package init(_ name: StaticString, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package static let nothing = Markup.group([])

    package var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .text(let string): Self.escape(string, quotes: false, into: &text)
        case .group(let children): for child in children { child.write(to: &text) }
        case .element(let name, let attributes, let children):
            text += "<\(name)"
            for attribute in attributes {
                text += " \(attribute.name)=\""
                Self.escape(attribute.value, quotes: true, into: &text)
                text += "\""
            }
            // HTML's void elements, and SVG's shapes, close themselves; `<div/>` would stay open in HTML.
            if children.isEmpty, Self.selfClosing.contains("\(name)") {
                text += "/>"
            } else {
                text += ">"
                for child in children { child.write(to: &text) }
                text += "</\(name)>"
            }
            if Self.blocks.contains("\(name)") { text += "\n" }
        }
    }

    private static let selfClosing: Set = ["meta", "br", "img", "rect", "path", "circle", "line"]
    /// A line ends after these, where white space means nothing, so that the page's source can be read.
    private static let blocks: Set = [
        "meta", "style", "title", "head", "header", "section", "nav", "h1", "h2", "div", "p", "tr", "li", "ol", "ul",
        "table", "svg", "rect", "path", "circle", "details", "figure",
    ]

    private static func escape(_ string: String, quotes: Bool, into text: inout String) {
        for scalar in string.unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"" where quotes: text += "&quot;"
            case "\t", "\n": text.unicodeScalars.append(scalar)
            // XML 1.0 has no other control characters, and none of the two non-characters.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": text += "\u{FFFD}"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}

extension Markup: ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) { self = .text(value) }
}

/// An element: `tag("td", [("class", "number")], "12")`.
package func tag(
    _ name: StaticString, _ attributes: [(StaticString, String)] = [], _ children: Markup...
) -> Markup {
    .element(name, attributes.map(Markup.Attribute.init), children)
}

package func tag(_ name: StaticString, _ attributes: [(StaticString, String)] = [], all children: [Markup]) -> Markup {
    .element(name, attributes.map(Markup.Attribute.init), children)
}

/// An element of a class.
package func tag(_ name: StaticString, _ class: String, _ children: Markup...) -> Markup {
    .element(name, [.init("class", `class`)], children)
}

package func tag(_ name: StaticString, _ class: String, all children: [Markup]) -> Markup {
    .element(name, [.init("class", `class`)], children)
}
