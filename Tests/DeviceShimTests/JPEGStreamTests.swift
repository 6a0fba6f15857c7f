// JPEGStreamTests: streams put together from known parts come apart into the same parts, however they are cut into calls.

import CDeviceShim
import Foundation
import Testing

/// What a stream gave: its images' bytes, and what else was said, in order.
private enum Found: Equatable {
    case image([UInt8])
    case event(UInt32)
}

private func event(_ event: jpeg_stream_event) -> Found { .event(UInt32(event.rawValue)) }

private func split(_ bytes: [UInt8], chunk: () -> Int, limit: Int = 1 << 20) -> [Found] {
    var stream = jpeg_stream()
    jpeg_stream_open(&stream, limit)
    defer { jpeg_stream_close(&stream) }
    var found: [Found] = []
    var at = 0
    while at < bytes.count {
        // A copy of its own, so that a read beyond the chunk is one beyond an allocation.
        let part = Array(bytes[at..<min(at + chunk(), bytes.count)])
        var taken = 0
        while taken < part.count {
            var event = jpeg_stream_needs_more
            let step = part[taken...].withUnsafeBufferPointer { jpeg_stream_take(&stream, $0.baseAddress, $0.count, &event) }
            guard step > 0, step <= part.count - taken else {
                Issue.record("took \(step) of \(part.count - taken) bytes")
                return found
            }
            taken += step
            if event == jpeg_stream_image {
                found.append(.image(Array(UnsafeBufferPointer(start: stream.bytes, count: stream.count))))
            } else if event != jpeg_stream_needs_more {
                found.append(.event(UInt32(event.rawValue)))
            }
        }
        at += part.count
    }
    let last = jpeg_stream_end(&stream)
    if last != jpeg_stream_needs_more { found.append(.event(UInt32(last.rawValue))) }
    return found
}

/// A JPEG by its markers alone: a thumbnail in APP1, coded data with stuffed bytes and restart markers, two scans with a table between them.
private func image(_ content: UInt8) -> [UInt8] {
    var bytes: [UInt8] = [0xFF, 0xD8]
    let thumbnail: [UInt8] = [0xFF, 0xD8, 0xFF, 0xDB, 0, 3, content, 0xFF, 0xD9]
    bytes += [0xFF, 0xE1, 0, UInt8(2 + thumbnail.count)] + thumbnail
    bytes += [0xFF, 0xFF, 0xFE, 0, 2]  // a fill byte, and a segment of nothing
    bytes += [0xFF, 0xDA, 0, 4, 1, 2, content, 0xFF, 0x00, 0xD9, 0xFF, 0xD3, content]
    bytes += [0xFF, 0xC4, 0, 5, 0xFF, 0xD8, 0xFF]
    bytes += [0xFF, 0xDA, 0, 2, content, content]
    return bytes + [0xFF, 0xD9]
}

@Suite struct JPEGStreamTests {
    @Test func imagesComeApart() {
        let images = (0..<5).map { image(UInt8($0)) }
        #expect(split(images.flatMap { $0 }, chunk: { 1 << 20 }) == images.map(Found.image))
    }

    @Test func paddingIsPassedOver() {
        let bytes = [0, 0, 0xFF] + image(1) + [0xFF, 0xFF, 0, 0, 0xFF] + image(2) + [0, 0xFF]
        #expect(split(bytes, chunk: { 3 }) == [.image(image(1)), .image(image(2))])
    }

    @Test func garbageIsSaidOnceAndSkipped() {
        let boundary = Array("--frame\r\nContent-Type: image/jpeg\r\n\r\n".utf8)
        let bytes = boundary + image(1) + boundary + [0xFF, 0xD8, 0x00] + boundary + image(2)
        #expect(
            split(bytes, chunk: { 7 }) == [
                event(jpeg_stream_garbage), .image(image(1)), event(jpeg_stream_garbage), .image(image(2)),
            ])
    }

    @Test func anImageWithoutItsEndIsCutOff() {
        let cut = Array(image(1).dropLast(3))
        #expect(split(cut + image(2), chunk: { 5 }) == [event(jpeg_stream_cut_off), .image(image(2))])
        #expect(split(image(2) + cut, chunk: { 5 }) == [.image(image(2)), event(jpeg_stream_cut_off)])
        #expect(split([0xFF, 0xD8, 0xFF], chunk: { 1 }) == [event(jpeg_stream_cut_off)])
        #expect(split([], chunk: { 1 }) == [])
    }

    @Test func anImpossibleLengthIsDamage() {
        let bytes = [0xFF, 0xD8, 0xFF, 0xE0, 0, 1, 7, 7] + image(2)
        #expect(split(bytes, chunk: { 4 }) == [event(jpeg_stream_damaged), .image(image(2))])
    }

    @Test func beyondTheLimitIsSaidAndPassedOver() {
        let long = [0xFF, 0xD8, 0xFF, 0xDA, 0, 2] + [UInt8](repeating: 1, count: 500) + [0xFF, 0xD9]
        for chunk in [1, 64, 1000] {
            #expect(
                split(image(1) + long + image(2), chunk: { chunk }, limit: 400) == [
                    .image(image(1)), event(jpeg_stream_too_large), .image(image(2)),
                ])
        }
        #expect(split(long, chunk: { 64 }, limit: long.count) == [.image(long)])
    }

    @Test func realPhotos() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("samples/photos")
        let photos = try ["coffee.jpg", "chelsea.jpg"].map { [UInt8](try Data(contentsOf: folder.appendingPathComponent($0))) }
        #expect(split(photos[0] + photos[1] + photos[0], chunk: { 65536 }, limit: 64 << 20) == [photos[0], photos[1], photos[0]].map(Found.image))
    }

    /// Random streams of images, cut ones, padding and garbage: events and bytes are the same for every way of cutting them into calls.
    @Test func chunksDoNotMatter() {
        var state: UInt64 = 20_261_124
        func random(_ count: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(count))
        }
        let markers: [UInt8] = [0xFF, 0xD8, 0xFF, 0xD9, 0xDA, 0xE1, 0, 2]
        for round in 0..<3000 {
            var bytes: [UInt8] = []
            for _ in 0...random(8) {
                switch random(6) {
                case 0, 1, 2: bytes += image(UInt8(random(256)))
                case 3: bytes += image(UInt8(random(256))).prefix(3 + random(30))
                case 4: bytes += (0..<random(20)).map { _ in markers[random(8)] }
                default: bytes += (0..<random(20)).map { _ in UInt8(random(256)) }
                }
            }
            let limit = random(3) == 0 ? 40 : 1 << 20
            let whole = split(bytes, chunk: { 1 << 20 }, limit: limit)
            #expect(split(bytes, chunk: { 1 }, limit: limit) == whole, "round \(round): \(bytes)")
            #expect(split(bytes, chunk: { 1 + random(40) }, limit: limit) == whole, "round \(round): \(bytes)")
        }
    }
}
