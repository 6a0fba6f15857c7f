// ResizeTests: the resize and the whole preprocessing against Pillow, byte for byte (tools/goldens/images.py), and
// against plain loops.

import ImageCodec
import Testing
import TinyRuntime

private struct ResizeRecord: Decodable {
    var seed: UInt64
    var binary: Bool
    var source: [Int]
    var target: [Int]
    var filter: String
    var crc: UInt32
}

private struct PreprocessRecord: Decodable {
    var seed: UInt64
    var source: [Int]
    var mode: String
    var resize: [Int]
    var crop: [Int]
    var filter: String
    var crc: UInt32
}

private func filter(_ name: String) -> ResizeFilter { name == "bicubic" ? .bicubic : .bilinear }

@Test func resizeEqualsPillow() throws {
    let records = try ImageGoldens.records("resize.json", as: ResizeRecord.self)
    #expect(records.count == 240)
    for record in records {
        let source = ImageGoldens.noise(
            width: record.source[0], height: record.source[1], seed: record.seed, binary: record.binary)
        let result = source.resized(width: record.target[0], height: record.target[1], filter: filter(record.filter))
        #expect(
            ImageGoldens.crc32(result.pixels) == record.crc,
            "\(record.source) to \(record.target), \(record.filter), seed \(record.seed)")
    }
}

@Test func preprocessingEqualsPillowResizeAndCentreCrop() throws {
    let records = try ImageGoldens.records("preprocess.json", as: PreprocessRecord.self)
    #expect(records.count == 288)
    for record in records {
        let preprocessing = Preprocessing(
            resizeMode: record.mode == "squash" ? .squash : .shortSide, filter: filter(record.filter),
            resizeWidth: record.resize[0], resizeHeight: record.resize[1], cropWidth: record.crop[0],
            cropHeight: record.crop[1])
        let result = try ImageGoldens.noise(width: record.source[0], height: record.source[1], seed: record.seed)
            .preprocessed(by: preprocessing)
        #expect(result.width == record.crop[0] && result.height == record.crop[1])
        #expect(
            ImageGoldens.crc32(result.pixels) == record.crc,
            "\(record.source), \(record.mode) \(record.resize), crop \(record.crop), \(record.filter), seed \(record.seed)"
        )
    }
}

/// A window of the resize holds what the same window of the whole resize holds.
@Test(arguments: [ResizeFilter.bilinear, .bicubic])
func windowOfResizeIsResizeOfWindow(filter: ResizeFilter) throws {
    for (seed, (sourceWidth, sourceHeight, width, height)) in [
        (90, 70, 33, 41), (20, 31, 60, 55), (64, 64, 64, 20), (64, 64, 20, 64),
    ]
    .enumerated() {
        let source = ImageGoldens.noise(width: sourceWidth, height: sourceHeight, seed: UInt64(seed))
        let whole = source.resized(width: width, height: height, filter: filter)
        for (x, y, windowWidth, windowHeight) in [
            (0, 0, width, height), (3, 5, 11, 13), (width - 1, height - 1, 1, 1), (0, 7, width, 1),
        ] {
            let resizer = try ImageResizer(
                sourceWidth: sourceWidth, sourceHeight: sourceHeight, resizedWidth: width, resizedHeight: height,
                filter: filter,
                x: x, y: y, width: windowWidth, height: windowHeight)
            var result = [UInt8](repeating: 0, count: windowWidth * windowHeight * 3)
            source.pixels.withUnsafeBufferPointer { from in
                result.withUnsafeMutableBufferPointer { to in
                    guard let from = from.baseAddress, let to = to.baseAddress else { return }
                    resizer.run(source: from, sourceRowBytes: sourceWidth * 3, output: to)
                }
            }
            #expect(result == whole.cropped(x: x, y: y, width: windowWidth, height: windowHeight).pixels)
        }
    }
}

@Test func rowsMayBeFurtherApartThanTheirPixels() throws {
    let image = ImageGoldens.noise(width: 20, height: 10, seed: 4)
    let preprocessing = Preprocessing(
        resizeMode: .shortSide, resizeWidth: 8, resizeHeight: 8, cropWidth: 6, cropHeight: 6)
    let inner = image.cropped(x: 0, y: 0, width: 13, height: 10)
    let preprocessor = try ImagePreprocessor(preprocessing, sourceWidth: 13, sourceHeight: 10)
    var result = [UInt8](repeating: 0, count: 6 * 6 * 3)
    image.pixels.withUnsafeBufferPointer { from in
        result.withUnsafeMutableBufferPointer { to in
            guard let from = from.baseAddress, let to = to.baseAddress else { return }
            preprocessor.run(source: from, sourceRowBytes: 20 * 3, output: to)
        }
    }
    #expect(try result == inner.preprocessed(by: preprocessing).pixels)
}

/// What EXIF's orientation means: where each pixel of the stored image is shown.
private func shown(_ stored: RGBImage, orientation: Int) -> RGBImage {
    let (width, height) = orientation >= 5 ? (stored.height, stored.width) : (stored.width, stored.height)
    var pixels = [UInt8](repeating: 0, count: stored.pixels.count)
    for y in 0..<stored.height {
        for x in 0..<stored.width {
            let (right, bottom) = (stored.width - 1 - x, stored.height - 1 - y)
            let (toX, toY) =
                switch orientation {
                case 2: (right, y)
                case 3: (right, bottom)
                case 4: (x, bottom)
                case 5: (y, x)
                case 6: (bottom, x)
                case 7: (bottom, right)
                case 8: (y, right)
                default: (x, y)
                }
            for channel in 0..<3 {
                pixels[(toY * width + toX) * 3 + channel] = stored.pixels[(y * stored.width + x) * 3 + channel]
            }
        }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
}

/// A photo that is turned while it is resized gives what one that was turned before gives: in both orders of the passes, and where a pass
/// changes nothing.
@Test(arguments: 1...8, [ResizeFilter.bilinear, .bicubic]) func turningCommutesWithTheResize(orientation: Int, filter: ResizeFilter) throws {
    for (seed, (width, height)) in [(61, 47), (40, 170), (170, 40), (24, 20), (20, 24), (3, 90), (16, 9)].enumerated() {
        let stored = ImageGoldens.noise(width: width, height: height, seed: UInt64(100 + seed))
        for (mode, resize, crop) in [
            (ResizeMode.squash, (24, 20), (24, 20)), (.squash, (20, 24), (11, 13)), (.shortSide, (16, 16), (16, 13)),
            (.shortSide, (9, 9), (7, 9)),
        ] {
            let preprocessing = Preprocessing(
                resizeMode: mode, filter: filter, resizeWidth: resize.0, resizeHeight: resize.1, cropWidth: crop.0,
                cropHeight: crop.1)
            guard let wanted = try? shown(stored, orientation: orientation).preprocessed(by: preprocessing) else { continue }
            let preprocessor = try ImagePreprocessor(
                preprocessing, sourceWidth: width, sourceHeight: height, orientation: orientation)
            var result = [UInt8](repeating: 0, count: crop.0 * crop.1 * 3)
            stored.pixels.withUnsafeBufferPointer { from in
                result.withUnsafeMutableBufferPointer { to in
                    guard let from = from.baseAddress, let to = to.baseAddress else { return }
                    preprocessor.run(source: from, sourceRowBytes: width * 3, output: to)
                }
            }
            #expect(result == wanted.pixels, "\(width)×\(height), \(mode) \(resize), crop \(crop)")
        }
    }
}

/// Every instruction set's kernels give plain C's bytes; rows that end early are said.
@Test func instructionSetsResizeAlike() throws {
    for (seed, (width, height, to, high)) in [(400, 300, 24, 24), (75, 100, 22, 22), (5, 6, 40, 40), (333, 20, 17, 19)].enumerated() {
        let source = ImageGoldens.noise(width: width, height: height, seed: UInt64(seed), binary: seed % 2 == 1)
        for filter in [ResizeFilter.bilinear, .bicubic] {
            var results: [[UInt8]] = []
            for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
                let resizer = try ImageResizer(
                    sourceWidth: width, sourceHeight: height, width: to, height: high, filter: filter,
                    instructionSet: instructionSet)
                var result = [UInt8](repeating: 0, count: to * high * 3)
                source.pixels.withUnsafeBufferPointer { from in
                    result.withUnsafeMutableBufferPointer { target in
                        guard let from = from.baseAddress, let target = target.baseAddress else { return }
                        resizer.run(source: from, sourceRowBytes: width * 3, output: target)
                        let withoutRows = resizer.run(rows: ImageRows(context: nil) { _, _ in nil }, output: target)
                        #expect(!withoutRows)
                        resizer.run(source: from, sourceRowBytes: width * 3, output: target)
                    }
                }
                results.append(result)
            }
            for result in results { #expect(result == results[0], "\(width)×\(height), \(filter)") }
        }
    }
}

@Test func impossibleContractsAreRefused() {
    let image = ImageGoldens.noise(width: 30, height: 20, seed: 1)
    func contract(_ mode: ResizeMode, _ resize: (Int, Int), _ crop: (Int, Int)) -> Preprocessing {
        Preprocessing(
            resizeMode: mode, resizeWidth: resize.0, resizeHeight: resize.1, cropWidth: crop.0, cropHeight: crop.1)
    }
    let cases: [(Preprocessing, PreprocessingError)] = [
        (contract(.squash, (0, 10), (1, 1)), .resizeSize(width: 0, height: 10)),
        (contract(.squash, (10, -1), (1, 1)), .resizeSize(width: 10, height: -1)),
        (contract(.squash, (16385, 10), (1, 1)), .resizeSize(width: 16385, height: 10)),
        (contract(.squash, (Int.max, Int.max), (1, 1)), .resizeSize(width: .max, height: .max)),
        (contract(.shortSide, (10, 11), (1, 1)), .shortSideDiffers(resizeWidth: 10, resizeHeight: 11)),
        (
            contract(.squash, (10, 10), (11, 10)),
            .cropSize(cropWidth: 11, cropHeight: 10, resizedWidth: 10, resizedHeight: 10)
        ),
        (
            contract(.squash, (10, 10), (0, 1)),
            .cropSize(cropWidth: 0, cropHeight: 1, resizedWidth: 10, resizedHeight: 10)
        ),
        (
            contract(.squash, (10, 10), (1, -5)),
            .cropSize(cropWidth: 1, cropHeight: -5, resizedWidth: 10, resizedHeight: 10)
        ),
        (
            contract(.shortSide, (10, 10), (16, 10)),
            .cropSize(cropWidth: 16, cropHeight: 10, resizedWidth: 15, resizedHeight: 10)
        ),
        (
            contract(.shortSide, (10, 10), (11, 11)),
            .cropSize(cropWidth: 11, cropHeight: 11, resizedWidth: 10, resizedHeight: 10)
        ),
        (contract(.squash, (8192, 4096), (8192, 4096)), .outputPixels(width: 8192, height: 4096)),
    ]
    for (preprocessing, error) in cases {
        #expect(throws: ImageError.preprocessing(error)) { try image.preprocessed(by: preprocessing) }
    }
    for (width, height) in [(0, 5), (5, 0), (65536, 5), (5, .max), (-1, -1)] {
        #expect(throws: PreprocessingError.sourceSize(width: width, height: height)) {
            _ = try ImagePreprocessor(contract(.squash, (4, 4), (4, 4)), sourceWidth: width, sourceHeight: height)
        }
    }
}

/// The largest source sides that are allowed do not overflow anything, also where an axis is a single pixel.
@Test func extremeSidesWork() throws {
    for (width, height) in [(65535, 1), (1, 65535)] {
        let image = RGBImage(width: width, height: height, pixels: Array(repeating: 77, count: width * height * 3))
        for mode in [ResizeMode.squash, .shortSide] {
            for filter in [ResizeFilter.bilinear, .bicubic] {
                let result = try image.preprocessed(
                    by: Preprocessing(
                        resizeMode: mode, filter: filter, resizeWidth: 16384, resizeHeight: mode == .squash ? 3 : 16384,
                        cropWidth: 4,
                        cropHeight: 3))
                #expect(result.pixels == Array(repeating: 77, count: 36))
            }
        }
    }
}

@Test func cropAndFlipMoveWholePixels() {
    let image = ImageGoldens.noise(width: 7, height: 5, seed: 9)
    func pixel(_ image: RGBImage, _ x: Int, _ y: Int) -> [UInt8] {
        Array(image.pixels[(y * image.width + x) * 3..<(y * image.width + x) * 3 + 3])
    }
    let crop = image.cropped(x: 2, y: 1, width: 4, height: 3)
    let flip = image.flippedHorizontally()
    #expect(crop.width == 4 && crop.height == 3 && flip.width == 7 && flip.height == 5)
    for y in 0..<3 { for x in 0..<4 { #expect(pixel(crop, x, y) == pixel(image, x + 2, y + 1)) } }
    for y in 0..<5 { for x in 0..<7 { #expect(pixel(flip, x, y) == pixel(image, 6 - x, y)) } }
    #expect(flip.flippedHorizontally() == image)
}

@Test func windowsOutsideTheResizedImageAreRefused() {
    func refuses(
        _ error: PreprocessingError, resized: (Int, Int), x: Int = 0, y: Int = 0, width: Int = 1, height: Int = 1
    ) {
        #expect(throws: error) {
            _ = try ImageResizer(
                sourceWidth: 10, sourceHeight: 10, resizedWidth: resized.0, resizedHeight: resized.1, filter: .bilinear,
                x: x,
                y: y, width: width, height: height)
        }
    }
    for (width, height) in [(0, 5), (5, -1), (Int.max, 5), (5, Int.max), (Int.min, 5)] {
        refuses(.resizeSize(width: width, height: height), resized: (width, height))
    }
    for (x, y, width, height) in [
        (-1, 0, 1, 1), (0, -1, 1, 1), (5, 0, 1, 1), (0, 5, 1, 1), (0, 0, 6, 1), (0, 0, 1, 6), (0, 0, 0, 1),
        (Int.max, 0, 1, 1),
        (0, 0, Int.max, 1), (1, 0, Int.max, 1), (0, 0, Int.min, 1),
    ] {
        refuses(
            .cropSize(cropWidth: width, cropHeight: height, resizedWidth: 5, resizedHeight: 5), resized: (5, 5), x: x,
            y: y,
            width: width, height: height)
    }
    refuses(.outputPixels(width: 5000, height: 5000), resized: (9000, 9000), width: 5000, height: 5000)
}
