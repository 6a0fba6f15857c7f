// DecodeTests: every kind of file against its expected pixels (tools/goldens/images.py). Equality is exact, also
// between this libjpeg-turbo and the newer one inside Pillow: the accurate integer DCT and fancy upsampling are defined
// to the bit.

import Foundation
import ImageCodec
import Testing
import TinyRuntime

@Test func allGoldenFilesAreThere() {
    #expect(ImageGoldens.files.count == 90)
}

@Test(arguments: ImageGoldens.files)
func decodedPixelsEqualTheGolden(file: ImageGoldens.File) throws {
    let image = try ImageFile.decode(file.bytes)
    #expect(image.width == file.expected.width && image.height == file.expected.height)
    let differences = zip(image.pixels, file.expected.pixels).map { abs(Int($0) - Int($1)) }
    #expect(
        image == file.expected,
        "largest difference \(differences.max() ?? 0), \(differences.filter { $0 > 0 }.count) bytes")
}

private struct ScaledRecord: Decodable {
    var n: Int
    var width: Int
    var height: Int
    var wholeWidth: Int
    var wholeHeight: Int
    var offset: Int
    var bytes: Int
}

private func scaling(to width: Int, _ height: Int) -> Preprocessing {
    Preprocessing(
        resizeMode: .squash, decodeScaling: true, resizeWidth: width, resizeHeight: height, cropWidth: 1, cropHeight: 1)
}

/// The golden starts from pixels rounded to bytes, so a value near a rounding boundary falls to its other side now and
/// then: within 1, and for a quarter of the pixels at most. A DCT of the wrong size or phase differs by tens.
@Test func scaledDecodingEqualsTheReducedTransform() throws {
    let records = try ImageGoldens.records("scaled.json", as: ScaledRecord.self)
    let pack = try [UInt8](Data(contentsOf: ImageGoldens.folder.appendingPathComponent("scaled.bin")))
    #expect(records.map(\.n) == Array(1...8))
    for record in records {
        let image = try ImageFile.decode(Array(pack[..<record.bytes]), for: scaling(to: record.width / 2, 1))
        #expect(image.width == record.width && image.height == record.height, "n = \(record.n)")
        var differing = 0
        for y in 0..<record.wholeHeight {
            for x in 0..<record.wholeWidth {
                let difference = abs(
                    Int(image.pixels[(y * image.width + x) * 3]) - Int(pack[record.offset + y * record.wholeWidth + x]))
                #expect(difference <= 1, "n = \(record.n) at (\(x), \(y))")
                differing += difference
            }
        }
        #expect(differing * 4 <= record.wholeWidth * record.wholeHeight, "n = \(record.n): \(differing) pixels differ")
    }
}

/// Both sides stay at least twice the resize's, by the smallest n/8 that keeps them so; 200 × 150 here.
@Test(arguments: [
    (12, 9, 25, 19), (13, 9, 50, 38), (12, 10, 50, 38), (25, 19, 50, 38), (26, 19, 75, 57), (50, 37, 100, 75),
    (50, 38, 125, 94),
    (87, 65, 175, 132), (100, 75, 200, 150), (101, 1, 200, 150), (500, 500, 200, 150), (1, 1, 25, 19),
])
func scaleIsTheSmallestThatKeepsTwiceTheTarget(resizeWidth: Int, resizeHeight: Int, width: Int, height: Int) throws {
    let image = try ImageFile.decode(ImageGoldens.file("large.jpg"), for: scaling(to: resizeWidth, resizeHeight))
    #expect(image.width == width && image.height == height)
}

@Test func scalingLooksAtTheOrientedSides() throws {
    // 37 × 23 in the file, shown as 23 × 37: a target of 8 × 4 needs 16 × 8 of 23 × 37, so 6/8 (18 × 28); unturned it
    // would be 4/8.
    let image = try ImageFile.decode(ImageGoldens.file("orientation-6.jpg"), for: scaling(to: 8, 4))
    #expect(image.width == 18 && image.height == 28)
}

@Test func withoutScalingThePreprocessingChangesNothing() throws {
    var preprocessing = scaling(to: 5, 5)
    preprocessing.decodeScaling = false
    let bytes = try ImageGoldens.file("large.jpg")
    #expect(try ImageFile.decode(bytes, for: preprocessing) == ImageFile.decode(bytes))
}

@Test func pngAndPPMAreNeverScaled() throws {
    let png = try ImageFile.decode(ImageGoldens.file("png-rgb8.png"), for: scaling(to: 1, 1))
    let ppm = try ImageFile.decode(ImageGoldens.file("p6-255.ppm"), for: scaling(to: 1, 1))
    #expect(png.width == 23 && ppm.width == 17)
}

/// Quality 95 leaves small errors; 4:2:0 would leave large ones in noise, so the picture is smooth.
@Test func encodedJPEGDecodesToNearlyTheSame() throws {
    let width = 67
    let height = 41
    var pixels: [UInt8] = []
    for y in 0..<height { for x in 0..<width { pixels += [UInt8(x * 3), UInt8(y * 5), UInt8(x + y)] } }
    let image = RGBImage(width: width, height: height, pixels: pixels)
    let decoded = try ImageFile.decode(JPEG.encode(image, quality: 95))
    #expect(decoded.width == width && decoded.height == height)
    let worst = zip(decoded.pixels, pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
    #expect(worst <= 12)
    let small = try JPEG.encode(image, quality: 10)
    #expect(try small.count < JPEG.encode(image, quality: 95).count)
}

@Test func encoderRefusesWhatJPEGCannotHold() {
    let pixel = RGBImage(width: 1, height: 1, pixels: [1, 2, 3])
    for quality in [0, -1, 101, .max] {
        #expect { try JPEG.encode(pixel, quality: quality) } throws: {
            if case ImageError.badArgument = $0 { true } else { false }
        }
    }
    let long = RGBImage(width: 65501, height: 1, pixels: Array(repeating: 0, count: 65501 * 3))
    #expect { try JPEG.encode(long, quality: 90) } throws: {
        if case ImageError.badArgument = $0 { true } else { false }
    }
    let empty = RGBImage(width: 0, height: 0, pixels: [])
    #expect { try JPEG.encode(empty, quality: 90) } throws: {
        if case ImageError.badArgument = $0 { true } else { false }
    }
}
