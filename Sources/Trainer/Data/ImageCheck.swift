// ImageCheck: every photo is opened once before training or evaluation, so that a broken file is named in the first minute and not in
// the seventh epoch, and the number of batches is known. What fits in memory stays decoded: for small sets the check costs nothing.

package struct ImageCheck: Sendable {
    /// The photos that can be used, in their order.
    package var images: ResizedImages
    /// The others, with the reason; one entry a photo.
    package var skipped: [(path: String, reason: String)]

    /// - Parameters:
    ///   - isStrict: Throw for the first bad photo (in the index's order) instead of skipping it.
    ///   - progress: Called on this thread with (checked, all).
    /// - Throws: `DatasetError.badImage` if strict.
    package init(
        _ images: ResizedImages, workers: Int, isStrict: Bool, progress: (Int, Int) -> Void = { _, _ in }
    ) throws {
        let reasons = Prefetcher<String?>(count: images.samples.count, workers: workers, ahead: 4 * workers) { index in
            do throws(DatasetError) {
                _ = try images.image(at: index)
                return nil
            } catch {
                guard case .badImage(_, let reason) = error else { return "\(error)" }
                return reason
            }
        }
        var bad: Set<Int> = []
        skipped = []
        var index = 0
        while let reason = try reasons.next() {
            if let reason {
                let path = images.samples[index].path
                if isStrict { throw DatasetError.badImage(path: path, reason: reason) }
                skipped.append((path, reason))
                bad.insert(index)
            }
            index += 1
            progress(index, images.samples.count)
        }
        self.images = images.removing(bad)
    }
}
