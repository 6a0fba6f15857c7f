// SessionPool: sessions of one model for several threads. A session serves one thread at a time: each is lent to one worker and comes back.

import Foundation
import TinyRuntime

final class SessionPool: @unchecked Sendable {
    private let model: Model
    private let lock = NSLock()
    private var idle: [Session] = []  // under `lock`

    init(_ model: Model) { self.model = model }

    /// - Throws: `ModelError`, where a session cannot be had; what `body` throws.
    func use<Result>(_ body: (Session) throws -> Result) throws -> Result {
        let session = try lock.withLock { idle.popLast() } ?? Session(model: model)
        defer { lock.withLock { idle.append(session) } }
        return try body(session)
    }
}
