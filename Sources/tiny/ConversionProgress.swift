// ConversionProgress: how far a conversion is, on standard error: on a terminal a bar that renews itself, elsewhere a line
// now and then. Whatever else is said stands on a line of its own.

import Foundation
import Trainer

final class ConversionProgress {
    private let console: ConsoleProgress
    private let isTerminal: Bool
    private var lastShown: (task: String, time: ContinuousClock.Instant)?
    /// Between two lines about one task, where they cannot be renewed.
    private static let pause = Duration.seconds(3)

    init(isTerminal: Bool = isatty(2) == 1) {
        self.isTerminal = isTerminal
        console = ConsoleProgress(isTerminal: isTerminal)
    }

    /// - Parameter line: "TASK: DONE of COUNT THINGS" is progress.
    func say(_ line: String) {
        guard let step = Step(line) else { return console.line(line) }
        let isDone = step.done >= step.count
        if isTerminal {
            isDone ? console.close() : console.renew(step.bar)
        } else {
            let now = ContinuousClock.now
            if let last = lastShown, last.task == step.task, now - last.time < Self.pause, !isDone { return }
            lastShown = (step.task, now)
            console.line(line)
        }
    }

    private struct Step {
        var task: String
        var done: Int
        var count: Int
        var things: Substring

        init?(_ line: String) {
            guard let colon = line.range(of: ": ") else { return nil }
            let words = line[colon.upperBound...].split(separator: " ", maxSplits: 3)
            guard words.count == 4, words[1] == "of", let done = Int(words[0]), let count = Int(words[2]), count > 0
            else { return nil }
            task = String(line[..<colon.lowerBound])
            self.done = done
            self.count = count
            things = words[3]
        }

        var bar: String {
            let width = 24
            let full = min(width * done / count, width)
            return "\(task)  [\(String(repeating: "#", count: full))\(String(repeating: ".", count: width - full))]  "
                + "\(done) of \(count) \(things)"
        }
    }
}
