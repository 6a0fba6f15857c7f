// PhotoFinder: the photos that the words of a command line name: files, folders, a stream of JPEGs, one after the other, each handed on with
// how to decode it. Knows nothing of what becomes of them.

import CDeviceShim
import TinyRuntime

final class PhotoFinder {
    /// Pixels into the network's input, or why not.
    typealias Decode = (UnsafeMutablePointer<UInt8>) -> PhotoProblem?
    /// Takes a photo, or what is wrong in its place. False: no more is wanted.
    typealias Take = (_ name: UnsafeBufferPointer<UInt8>, Decode) -> Bool

    private let names: [Argument]
    private let preprocessing: Preprocessing
    private let take: Take

    /// - Parameter names: the model's is the first, and not looked at.
    init(_ names: [Argument], _ preprocessing: Preprocessing, _ take: @escaping Take) {
        self.names = names
        self.preprocessing = preprocessing
        self.take = take
    }

    /// False: `take` wanted no more.
    func run() -> Bool {
        for name in names.dropFirst() {
            guard find(name) else { return false }
        }
        return true
    }

    private func find(_ name: Argument) -> Bool {
        if name == "-" { return stream() }
        var identity = device_identity()
        guard device_identify(name.pointer, &identity) == 0, identity.is_folder != 0 else { return photo(name) }
        var found = false
        guard walk(name, identity, above: [], &found) else { return false }
        return found || say(name.bytes, .missing("no .jpg, .jpeg, .png or .ppm in this folder"))
    }

    private func photo(_ path: Argument) -> Bool {
        take(path.bytes) { pixels in
            var identity = device_identity()
            return PhotoReader.read(path, preprocessing, into: pixels, identity: &identity)
        }
    }

    private func say(_ name: UnsafeBufferPointer<UInt8>, _ problem: PhotoProblem) -> Bool {
        take(name) { _ in problem }
    }

    // MARK: Folders

    private static let maximumDepth = 64

    /// - Parameter above: the folders on the way here; a link back to one of them is passed over.
    private func walk(
        _ folder: Argument, _ identity: device_identity, above: [device_identity], _ found: inout Bool
    ) -> Bool {
        for other in above where other.device == identity.device && other.inode == identity.inode { return true }
        guard above.count < Self.maximumDepth else {
            return say(folder.bytes, .unreadable("more than 64 folders deep; not looked into"))
        }
        var list = device_names()
        let error = device_list(folder.pointer, &list)
        guard error == 0 else {
            return say(folder.bytes, PhotoProblem(error))
        }
        defer { device_names_free(&list) }
        for index in 0..<list.count {
            guard let name = list.names[index] else { continue }
            let goesOn = Path(folder, name).withArgument { path in
                var inner = device_identity()
                // What cannot be looked at is opened all the same: opening says why.
                let isFolder = device_identify(path.pointer, &inner) == 0 && inner.is_folder != 0
                if isFolder { return walk(path, inner, above: above + [identity], &found) }
                guard PhotoName.fits(name) else { return true }
                found = true
                return photo(path)
            }
            guard goesOn else { return false }
        }
        return true
    }

    // MARK: A stream

    /// A photo of 64 MB is beyond any camera's.
    private static let frameLimit = 64 << 20
    private static let chunkBytes = 1 << 16

    private func stream() -> Bool {
        let chunk = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.chunkBytes)
        defer { chunk.deallocate() }
        var stream = jpeg_stream()
        jpeg_stream_open(&stream, Self.frameLimit)
        defer { jpeg_stream_close(&stream) }
        let input = Output.text("standard input")
        var images = 0
        var hadGarbage = false
        while true {
            var count = 0
            let error = device_read_some(0, chunk, Self.chunkBytes, &count)
            if error != 0 {
                var words = TextBytes()
                words.append(system: device_error_text(error))
                guard say(input, .unreadable(words)) else { return false }
            }
            guard count > 0 else { break }
            var taken = 0
            while taken < count {
                var event = jpeg_stream_needs_more
                taken += jpeg_stream_take(&stream, chunk + taken, count - taken, &event)
                if event == jpeg_stream_needs_more { continue }
                if event == jpeg_stream_garbage {
                    // Once a stream: between a camera's images the same would come again and again.
                    let problem = PhotoProblem.unreadable("bytes that are no JPEG; going on with the next one")
                    guard hadGarbage || say(input, problem) else { return false }
                    hadGarbage = true
                    continue
                }
                images += 1
                guard frame(event, stream, image: images) else { return false }
            }
        }
        let last = jpeg_stream_end(&stream)
        if last != jpeg_stream_needs_more {
            images += 1
            return frame(last, stream, image: images)
        }
        return images > 0 || say(input, .missing("no JPEG came"))
    }

    private func frame(_ event: jpeg_stream_event, _ stream: jpeg_stream, image: Int) -> Bool {
        var name = TextBytes()
        name.append("stream:")
        name.append(image)
        return name.bytes.withUnsafeBufferPointer { name in
            if event == jpeg_stream_image {
                return take(name) { PhotoReader.decode(stream.bytes, count: stream.count, preprocessing, into: $0) }
            }
            let why: StaticString =
                switch event {
                case jpeg_stream_cut_off: "truncated: it has no end marker"
                case jpeg_stream_too_large: "too large: more than 64 MB"
                case jpeg_stream_no_memory: "no memory for it"
                default: "damaged: a segment's length is impossible"
                }
            return say(name, .unreadable(why))
        }
    }
}
