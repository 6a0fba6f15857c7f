// ConsoleProgress: a run on the screen, on standard error: one line that renews itself on a terminal, a line an epoch anywhere else.

import Foundation

package final class ConsoleProgress {
    private let isTerminal: Bool
    private let write: (String) -> Void
    private var isLineOpen = false
    private var lastShown = ContinuousClock.now

    /// - Parameter write: Where text goes; standard error unless a test looks.
    package init(
        isTerminal: Bool = isatty(2) == 1,
        write: @escaping (String) -> Void = { FileHandle.standardError.write(Data($0.utf8)) }
    ) {
        self.isTerminal = isTerminal
        self.write = write
    }

    package func show(_ event: TrainingRun.Event) {
        switch event {
        case .note(let text): line(text)
        case .checkingImages(let done, let count):
            if done == count { close() } else { renew("checking images \(done)/\(count)") }
        case .training(.batch(let progress)): renew(Self.text(progress))
        case .training(.epoch(let record, let state)): line(Self.text(record, state))
        }
    }

    /// A line of its own.
    package func line(_ text: String) {
        close()
        write(text + "\n")
    }

    /// Takes the renewed line away.
    package func close() {
        if isLineOpen { write("\r\u{1B}[K") }
        isLineOpen = false
    }

    /// Text in place of the last renewed one, at most ten times a second; nothing where lines cannot be renewed.
    package func renew(_ text: String) {
        guard isTerminal, !isLineOpen || (ContinuousClock.now - lastShown).seconds > 0.1 else { return }
        write("\r\u{1B}[K" + text)
        isLineOpen = true
        lastShown = .now
    }

    static func text(_ progress: BatchProgress) -> String {
        """
        epoch \(progress.epoch)/\(progress.epochs)  batch \(progress.batch)/\(progress.batches)  \
        loss \(losses(progress.phaseLosses))  \(rate(progress.imagesPerSecond)) images/s  \
        \(duration(progress.secondsLeft)) left
        """
    }

    static func text(_ record: EpochRecord, _ state: TrainingState) -> String {
        var text = "epoch \(record.epoch)  loss \(losses(record.phaseLosses))"
        if let validation = record.validation {
            text += "  top-1 \(percent(validation.top1))"
            if validation.headTop1.count > 1 {
                text += " (heads \(validation.headTop1.map { percent($0, unit: "") }.joined(separator: " ")))"
            }
            if let best = state.best {
                text +=
                    best.epoch == record.epoch ? "  best so far" : "  best \(percent(best.top1)) in epoch \(best.epoch)"
            }
        }
        return text + "  \(rate(record.imagesPerSecond)) images/s  \(duration(record.seconds))"
    }

    private static func losses(_ losses: [Double]) -> String {
        losses.map { String(format: "%.3f", $0) }.joined(separator: " ")
    }

    package static func percent(_ share: Double, unit: String = " %") -> String {
        String(format: "%.1f", 100 * share) + unit
    }

    private static func rate(_ value: Double) -> String { String(format: value < 10 ? "%.1f" : "%.0f", value) }

    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "?" }
        let whole = Int(seconds.rounded())
        if whole < 3600 { return String(format: "%d:%02d", whole / 60, whole % 60) }
        return String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
    }
}
