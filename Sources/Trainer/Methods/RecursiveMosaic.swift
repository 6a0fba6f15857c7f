// RecursiveMosaic: RMG, the recursive mosaic generator of arXiv 2112.04223. The region is at first the whole image.
// Each of `depth` times it is split into quadrants; visiting them in a random order, each is swapped with the one that
// lies at the top left, in place; then one of the four becomes the next region. Three swaps that share a place make a
// 4-cycle, so no quadrant stays where it was. Only one quadrant is split further: depth 1, 2, 3 gives 4, 7, 10 pieces.

package enum RecursiveMosaic {
    /// One rearrangement, to be shared by a whole batch (`Backend.permutePixels`).
    /// - Parameters:
    ///   - height, width: in pixels; both divisible by 2^depth (networks' sides, multiples of 32, allow depths up to
    ///     5).
    /// - Returns: for each pixel, row by row, the index of the pixel that it shows.
    package static func permutation(
        height: Int, width: Int, depth: Int, using random: inout RandomStream
    ) -> [Int32] {
        precondition(
            (0...16).contains(depth) && height % (1 << depth) == 0 && width % (1 << depth) == 0,
            "\(height)×\(width) cannot be halved \(depth) times")
        var source = (0..<Int32(height * width)).map { $0 }
        var (top, left, regionHeight, regionWidth) = (0, 0, height, width)
        for _ in 0..<depth {
            regionHeight /= 2
            regionWidth /= 2
            func corner(_ quadrant: Int) -> Int {
                (top + quadrant / 2 * regionHeight) * width + left + quadrant % 2 * regionWidth
            }
            // Fisher and Yates, written out: the standard library's shuffle may change, and with it what a seed means.
            var order = [0, 1, 2, 3]
            for last in [3, 2, 1] { order.swapAt(last, random.index(below: last + 1)) }
            for quadrant in order {
                for row in 0..<regionHeight {
                    for column in 0..<regionWidth {
                        let offset = row * width + column
                        source.swapAt(corner(0) + offset, corner(quadrant) + offset)
                    }
                }
            }
            let next = random.index(below: 4)
            top += next / 2 * regionHeight
            left += next % 2 * regionWidth
        }
        return source
    }
}
