// RGBImage+Geometry: resize, crop, mirror, and the whole preprocessing. The resize is TinyRuntime's, so that training
// sees what the device sees.

import TinyRuntime

extension RGBImage {
    /// Antialiased resize, equal byte for byte to Pillow's `Image.resize`. Sides within 1...16384, at most 2²⁴ pixels.
    package func resized(width: Int, height: Int, filter: ResizeFilter) -> RGBImage {
        do throws(PreprocessingError) {
            let resizer = try ImageResizer(
                sourceWidth: self.width, sourceHeight: self.height, width: width, height: height, filter: filter)
            return produce(width: width, height: height) {
                resizer.run(source: $0, sourceRowBytes: self.width * 3, output: $1)
            }
        } catch {
            preconditionFailure("\(self.width)×\(self.height) to \(width)×\(height): \(error)")
        }
    }

    /// Carries out resize and crop; the result is cropWidth × cropHeight. Orientation was applied when the file was
    /// decoded.
    ///
    /// - Throws: `ImageError.preprocessing`.
    package func preprocessed(by preprocessing: Preprocessing) throws(ImageError) -> RGBImage {
        do throws(PreprocessingError) {
            let preprocessor = try ImagePreprocessor(preprocessing, sourceWidth: width, sourceHeight: height)
            return produce(width: preprocessing.cropWidth, height: preprocessing.cropHeight) {
                preprocessor.run(source: $0, sourceRowBytes: width * 3, output: $1)
            }
        } catch {
            throw .preprocessing(error)
        }
    }

    /// The pixels of a window, which must lie inside the image.
    package func cropped(x: Int, y: Int, width: Int, height: Int) -> RGBImage {
        precondition(
            x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= self.width && y + height <= self.height,
            "a window of \(width)×\(height) at (\(x), \(y)) in \(self.width)×\(self.height) pixels")
        return produce(width: width, height: height) { source, target in
            for row in 0..<height {
                (target + row * width * 3).update(from: source + ((y + row) * self.width + x) * 3, count: width * 3)
            }
        }
    }

    /// Mirrored left to right.
    package func flippedHorizontally() -> RGBImage {
        produce(width: width, height: height) { source, target in
            for row in 0..<height {
                let line = source + row * width * 3
                let mirrored = target + row * width * 3
                for column in 0..<width {
                    let pixel = line + (width - 1 - column) * 3
                    mirrored[column * 3] = pixel[0]
                    mirrored[column * 3 + 1] = pixel[1]
                    mirrored[column * 3 + 2] = pixel[2]
                }
            }
        }
    }

    /// An image of the given size whose bytes `body` writes, all of them, from this image's.
    private func produce(
        width: Int, height: Int, _ body: (UnsafePointer<UInt8>, UnsafeMutablePointer<UInt8>) -> Void
    ) -> RGBImage {
        let count = width * height * 3
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            pixels.withUnsafeBufferPointer { source in
                if let from = source.baseAddress, let to = target.baseAddress, count > 0 { body(from, to) }
            }
            initialized = count
        }
        return RGBImage(width: width, height: height, pixels: bytes)
    }
}
