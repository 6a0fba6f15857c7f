// Prefetcher: results 0, 1, 2, … made by background threads and handed out in that order, at most `ahead` of them waiting.
// What comes out does not depend on the number of threads as long as `produce(i)` depends on i alone.

import Foundation

package final class Prefetcher<Element: Sendable>: @unchecked Sendable {
    // The threads hold the queue and not the prefetcher, so that dropping the prefetcher ends them.
    private let queue: OrderedQueue<Element>

    /// - Parameters:
    ///   - count: How many results there are.
    ///   - workers: Threads, at least 1.
    ///   - ahead: Results that may be finished or under way before the caller takes them; at least `workers` keeps all of them busy.
    package init(
        count: Int, workers: Int, ahead: Int, produce: @escaping @Sendable (Int) throws -> Element
    ) {
        precondition(workers >= 1 && ahead >= 1, "\(workers) workers, \(ahead) ahead")
        let queue = OrderedQueue<Element>(count: count, ahead: ahead)
        self.queue = queue
        for _ in 0..<min(workers, count) {
            let thread = Thread {
                while let index = queue.claim() {
                    queue.deliver(Result { try produce(index) }, at: index)
                }
            }
            thread.stackSize = 8 << 20
            thread.name = "prefetch"
            thread.start()
        }
    }

    deinit { queue.cancel() }

    /// The next result in order, waiting for it; nil after the last. For one caller at a time.
    /// - Throws: What `produce` threw for this result; nothing is handed out after it.
    package func next() throws -> Element? { try queue.next() }

    /// Threads end after the result they are at; `next` gives nil from now on.
    package func cancel() { queue.cancel() }
}

private final class OrderedQueue<Element: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    // The variables are read and written only while `condition` is locked.
    private var ready: [Int: Result<Element, any Error>] = [:]
    private var nextToProduce = 0
    private var nextToHandOut = 0
    private var isCancelled = false
    private let count: Int
    private let ahead: Int

    init(count: Int, ahead: Int) {
        self.count = count
        self.ahead = ahead
    }

    func next() throws -> Element? {
        condition.lock()
        defer { condition.unlock() }
        while !isCancelled && nextToHandOut < count {
            guard let result = ready.removeValue(forKey: nextToHandOut) else {
                condition.wait()
                continue
            }
            nextToHandOut += 1
            condition.broadcast()
            do {
                return try result.get()
            } catch {
                isCancelled = true
                throw error
            }
        }
        return nil
    }

    func cancel() {
        condition.lock()
        isCancelled = true
        ready = [:]
        condition.broadcast()
        condition.unlock()
    }

    /// The index to produce next, waiting while enough is ready; nil when there is nothing left to do.
    func claim() -> Int? {
        condition.lock()
        defer { condition.unlock() }
        while !isCancelled && nextToProduce < count && nextToProduce >= nextToHandOut + ahead {
            condition.wait()
        }
        guard !isCancelled, nextToProduce < count else { return nil }
        nextToProduce += 1
        return nextToProduce - 1
    }

    func deliver(_ result: Result<Element, any Error>, at index: Int) {
        condition.lock()
        if !isCancelled { ready[index] = result }
        condition.broadcast()
        condition.unlock()
    }
}
