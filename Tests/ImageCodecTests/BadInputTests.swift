// BadInputTests: nothing in a file may crash, hang or fill the memory, and what is wrong is said by the right case.

import Foundation
import ImageCodec
import Testing
import TinyRuntime

/// The case's name of the error that decoding gives, "decoded" if it gives none.
private func outcome(_ bytes: [UInt8]) -> String {
    do throws(ImageError) {
        _ = try ImageFile.decode(bytes)
        return "decoded"
    } catch {
        return name(error)
    }
}

private func name(_ error: ImageError) -> String {
    switch error {
    case .missing: "missing"
    case .unreadable: "unreadable"
    case .unknownFormat: "unknownFormat"
    case .truncated: "truncated"
    case .damaged: "damaged"
    case .unsupported: "unsupported"
    case .tooLarge: "tooLarge"
    case .outOfMemory: "outOfMemory"
    case .badArgument: "badArgument"
    case .preprocessing: "preprocessing"
    case .file(_, let error): name(error)
    }
}

private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

@Test(arguments: [
    "baseline-420.jpg", "restart.jpg", "progressive-420.jpg", "grey.jpg", "cmyk.jpg", "ycck.jpg", "orientation-6.jpg",
    "one-pixel.jpg",
    "png-rgb8.png", "png-rgba16-interlaced.png", "png-palette4-trns.png", "p6-255.ppm", "p5-65535.ppm",
])
func everyTruncationIsRefused(name: String) throws {
    let bytes = try ImageGoldens.file(name)
    for length in 0..<bytes.count {
        let outcome = outcome(Array(bytes[..<length]))
        #expect(
            outcome == (length < (name.hasSuffix("png") ? 4 : 2) ? "unknownFormat" : "truncated"),
            "\(length) of \(bytes.count) bytes")
    }
}

@Test func halfAJPEGWithAnEndMarkerIsTruncated() throws {
    let bytes = try ImageGoldens.file("baseline-444.jpg")
    #expect(outcome(bytes[..<(bytes.count * 3 / 4)] + [0xFF, 0xD9]) == "truncated")
}

@Test func bytesBeforeAndAfterTheEndMarkerAreHarmless() throws {
    let bytes = try ImageGoldens.file("baseline-444.jpg")
    let image = try ImageFile.decode(bytes)
    #expect(try ImageFile.decode(bytes + [1, 2, 3]) == image)
    #expect(try ImageFile.decode(bytes.dropLast(2) + [0, 0, 0, 0xFF, 0xD9]) == image)
}

/// Flipped bits may give an error or wrong pixels, and nothing else. The limit of pixels bounds the time.
@Test(arguments: ImageGoldens.files)
func flippedBitsNeverCrash(file: ImageGoldens.File) {
    let seed = UInt64(ImageGoldens.crc32(Array(file.name.utf8)))
    var random = SplitMix(state: seed)
    for round in 0..<60 {
        var bytes = file.bytes
        // Half the rounds hit the first bytes, where headers and tables stand.
        let range = round % 2 == 0 ? min(bytes.count, 400) : bytes.count
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            bytes[Int.random(in: 0..<range, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        if file.name.hasPrefix("png") { bytes = ImageBytes.withRightChecksums(bytes) }
        let preprocessing = Preprocessing(
            resizeMode: .squash, decodeScaling: round % 3 == 0, resizeWidth: 5, resizeHeight: 5, cropWidth: 5,
            cropHeight: 5)
        if let image = try? ImageFile.decode(bytes, for: preprocessing) {
            #expect(image.pixels.count == image.width * image.height * 3, "seed \(seed), round \(round)")
        }
    }
}

@Test func otherKindsOfFilesAreNamed() {
    let cases: [([UInt8], String)] = [
        ([], "empty"), (text("GIF89a....."), "GIF"), (text("RIFF\0\0\0\0WEBPVP8 "), "WebP"),
        (text("\0\0\0\u{18}ftypheic...."), "HEIC"),
        (text("BM......"), "BMP"), (text("II*\0...."), "TIFF"), (text("hello"), "0x68"), ([0], "0x00"),
        (text("P3\n1 1 255 1 2 3"), "0x50"),
    ]
    for (bytes, word) in cases {
        #expect {
            try ImageFile.decode(bytes)
        } throws: { error in
            guard case ImageError.unknownFormat(let reason) = error else { return false }
            return reason.contains(word)
        }
    }
}

@Test func hugeHeadersAreRefused() throws {
    let start: [UInt8] = [0xFF, 0xD8]
    let scan = ImageBytes.scan() + [0x7F]
    for (width, height) in [(65000, 65000), (65535, 65535), (65535, 1), (10001, 10000)] {
        for marker: UInt8 in [0xC0, 0xC2] {
            let frame = ImageBytes.frame(marker, width: width, height: height)
            #expect(outcome(start + ImageBytes.tables + frame + scan) == "tooLarge", "\(width)×\(height)")
        }
    }
    // Within the limits, but with no data behind the header: the end of the file comes first.
    #expect(outcome(start + ImageBytes.tables + ImageBytes.frame(width: 10000, height: 10000) + scan) == "truncated")

    var png = try ImageGoldens.file("png-rgb8.png")
    png.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])
    #expect(outcome(ImageBytes.withRightChecksums(png)) == "tooLarge")
    png.replaceSubrange(16..<24, with: [0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF])
    #expect(outcome(ImageBytes.withRightChecksums(png)) == "tooLarge")

    for header in [
        "P6 65535 65535 255\n", "P6 99999999999999999999 1 255\n", "P5 4294967297 1 255\n", "P6 65536 1 255\n",
    ] {
        #expect(outcome(text(header) + [0, 0, 0]) == "tooLarge", "\(header)")
    }
}

@Test func progressiveScansAreLimited() throws {
    let image = try ImageFile.decode(ImageBytes.progressive(acScans: 90))
    #expect(image == RGBImage(width: 8, height: 8, pixels: Array(repeating: 128, count: 192)))
    #expect(outcome(ImageBytes.progressive(acScans: 126)) == "tooLarge")
}

@Test func jpegKindsThatAreNotReadAreNamedSo() {
    let start: [UInt8] = [0xFF, 0xD8] + ImageBytes.tables
    func file(_ frame: [UInt8], components: Int = 1) -> [UInt8] {
        start + frame + ImageBytes.scan(components: components) + [0x3F, 0xFF, 0xD9]
    }
    #expect(outcome(file(ImageBytes.frame(width: 8, height: 8))) == "decoded")
    #expect(outcome(file(ImageBytes.frame(0xC3, width: 8, height: 8))) == "unsupported")  // lossless
    #expect(outcome(file(ImageBytes.frame(0xC5, width: 8, height: 8))) == "unsupported")  // hierarchical
    #expect(outcome(file(ImageBytes.frame(width: 8, height: 8, precision: 12))) == "unsupported")
    #expect(outcome(file(ImageBytes.frame(width: 8, height: 0))) == "unsupported")  // a DNL marker would say the height
    #expect(outcome(file(ImageBytes.frame(width: 8, height: 8, components: 2), components: 2)) == "unsupported")
    #expect(outcome(file(ImageBytes.frame(width: 0, height: 8))) == "unsupported")
    #expect(outcome(start + [0xFF, 0xD9]) == "damaged")  // tables and no image
}

@Test func brokenPNGsAreRefused() throws {
    let png = try ImageGoldens.file("png-rgb8.png")
    var wrongChecksum = png
    wrongChecksum[30] ^= 1
    #expect(outcome(wrongChecksum) == "damaged")
    var noSamples = png
    noSamples[24] = 3  // bit depth
    #expect(outcome(ImageBytes.withRightChecksums(noSamples)) == "damaged")
    var tooFewRows = png
    tooFewRows[23] += 1
    #expect(outcome(ImageBytes.withRightChecksums(tooFewRows)) == "damaged")
    var notAHeader = png
    notAHeader[12] = 0x4A
    #expect(outcome(notAHeader) == "damaged")
}

@Test func brokenPPMsAreRefused() {
    let cases: [(String, String)] = [
        ("P6", "truncated"), ("P6 ", "truncated"), ("P6 # only a comment", "truncated"), ("P6 2 2 255", "truncated"),
        ("P6 2 2 255\n", "truncated"), ("P6 x 2 255\n", "damaged"), ("P6 -1 2 255\n", "damaged"),
        ("P6 0 2 255\n", "damaged"),
        ("P6 2 0 255\n", "damaged"), ("P6 1 1 0\n...", "damaged"), ("P6 1 1 65536\n......", "damaged"),
        ("P6 1 1 255#\n...", "damaged"),
    ]
    for (file, expected) in cases { #expect(outcome(text(file)) == expected, "\(file)") }
}

/// EXIF that makes no sense is ignored: the photo shows as it is stored.
@Test func hostileEXIFIsIgnored() throws {
    let plain = try ImageGoldens.file("baseline-444.jpg")
    let expected = try ImageFile.decode(plain)
    let head = text("Exif\0\0")
    let little: [UInt8] = [0x49, 0x49, 0x2A, 0]
    let entry: [UInt8] = [0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]
    func directory(_ count: UInt16, _ entries: [UInt8]) -> [UInt8] {
        head + little + [8, 0, 0, 0, UInt8(count & 255), UInt8(count >> 8)] + entries
    }
    let ignored: [[UInt8]] = [
        [], head, head + little, head + little + [8, 0, 0], head + little + [8, 0, 0, 0], directory(1, []),
        directory(1, Array(entry[..<9])),
        head + little + [0xFF, 0xFF, 0xFF, 0xFF] + entry, head + little + [0xFE, 0xFF, 0xFF, 0x7F] + entry,
        head + little + [7, 0, 0, 0], directory(65535, Array(repeating: 0, count: 65000)), directory(0, entry),
        directory(1, [0x12, 0x01, 2, 0, 1, 0, 0, 0, 6, 0, 0, 0]),  // text
        directory(1, [0x12, 0x01, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
        directory(1, [0x12, 0x01, 3, 0, 1, 0, 0, 0, 9, 0, 0, 0]),
        directory(1, [0x12, 0x01, 4, 0, 1, 0, 0, 0, 6, 0, 0, 0x80]), head + text("XX*\0") + [8, 0, 0, 0, 1, 0] + entry,
        text("http://ns.adobe.com/xap/1.0/\0"),
    ]
    for payload in ignored {
        #expect(try ImageFile.decode(ImageBytes.withAPP1(payload, in: plain)) == expected, "\(payload.prefix(40))")
    }
    // The same block, sound: it does turn the photo. And a first APP1 that is XMP does not hide it.
    let turned = ImageBytes.withAPP1(directory(1, entry), in: plain)
    #expect(try ImageFile.decode(turned).width == expected.height)
    #expect(
        try ImageFile.decode(ImageBytes.withAPP1(text("http://ns.adobe.com/xap/1.0/\0"), in: turned)).width
            == expected.height)
    // A segment that claims more than the file holds.
    #expect(outcome(plain[..<2] + [0xFF, 0xE1, 0xFF, 0xFF] + plain[2...]) == "truncated")
    // One that claims less than its own length field; libjpeg skips it.
    #expect(try ImageFile.decode(plain[..<2] + [0xFF, 0xE1, 0, 1] + plain[2...]) == expected)
}

@Test func filesAreNamedInErrors() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("images-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
    try Data().write(to: folder.appendingPathComponent("empty.jpg"))
    try Data(text("nothing")).write(to: folder.appendingPathComponent("text.png"))
    let jpeg = try ImageGoldens.file("baseline-420.jpg")
    try Data(jpeg.dropLast(50)).write(to: folder.appendingPathComponent("cut.jpg"))
    try Data(jpeg).write(to: folder.appendingPathComponent("misnamed.png"))
    try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("folder.jpg"), withIntermediateDirectories: false)
    #expect(mkfifo(path("pipe.jpg"), 0o600) == 0)

    for (file, expected) in [
        ("missing.jpg", "missing"), ("empty.jpg", "unknownFormat"), ("text.png", "unknownFormat"),
        ("cut.jpg", "truncated"),
        ("folder.jpg", "unreadable"), ("pipe.jpg", "unreadable"), ("text.png/inside.jpg", "unreadable"),
    ] {
        do throws(ImageError) {
            _ = try ImageFile.decode(path: path(file))
            Issue.record("\(file) was decoded")
        } catch {
            #expect(name(error) == expected, "\(file)")
            #expect("\(error)".hasPrefix(path(file) + ": "), "\(error)")
            #expect(error != error.underlying)
        }
    }
    #expect(try ImageFile.decode(path: path("misnamed.png")) == ImageFile.decode(jpeg))
}

@Test func imagesAreToldByExtension() {
    for path in ["a.jpg", "a.JPG", "/x/b.jpeg", "b.Png", "c.ppm", ".hidden.jpg", "a.b.png"] {
        #expect(ImageFile.isImage(path: path))
    }
    for path in ["a", "jpg", "a.jpg/b", "a.gif", "a.jpg.txt", "", ".", "a."] { #expect(!ImageFile.isImage(path: path)) }
}
