// PermutePixels: pixel p of each image of the result is pixel source[p] of the same image of x. x: N H W C. A copy of a
// photo: the plain version serves both backends.

extension PlainBackend {
    package func permutePixels(_ x: Tensor, source: [Int32]) -> Tensor {
        let (batch, pixels, channels) = checkImages(x.shape)
        precondition(source.count == pixels, "\(source.count) sources for images of \(pixels) pixels")
        let result = makeTensor(shape: x.shape)
        let (input, output) = (x.host, result.host)
        for n in 0..<batch {
            for p in 0..<pixels {
                let from = Int(source[p])
                precondition(from >= 0 && from < pixels, "source pixel \(from) of \(pixels)")
                for c in 0..<channels {
                    output[(n * pixels + p) * channels + c] = input[(n * pixels + from) * channels + c]
                }
            }
        }
        return result
    }
}
