// StopSignal: Ctrl-C and SIGTERM as a wish that the training loop looks at between batches, so that no file is left half-written and the
// last complete checkpoint stands. The handler only stores a number. A second signal of the same kind kills, as without a handler.

import Foundation

package struct StopSignal: Sendable {
    /// The handler may do nothing but write here: a plain word that lives as long as the process.
    private nonisolated(unsafe) static let received = {
        let word = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
        word.initialize(to: 0)
        return word
    }()

    /// Number of the signal that asked to stop, nil so far.
    private let check: @Sendable () -> Int32?

    package var requested: Int32? { check() }

    /// Catches SIGINT and SIGTERM from now on.
    package static func onInterrupt() -> StopSignal {
        _ = received  // made before a handler can run
        // A parent may have started us from a thread that blocks these (a dispatch queue does), and a child inherits that.
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for number in [SIGINT, SIGTERM] { sigaddset(&wanted, number) }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
        for number in [SIGINT, SIGTERM] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { StopSignal.received.pointee = sig_atomic_t($0) }
            action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
            sigaction(number, &action, nil)
        }
        return StopSignal { received.pointee == 0 ? nil : Int32(received.pointee) }
    }

    /// Stops when `check` gives a signal's number: for tests and other callers. The default never stops.
    package init(_ check: @escaping @Sendable () -> Int32? = { nil }) { self.check = check }
}
