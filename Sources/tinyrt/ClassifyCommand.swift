// tinyrt classify: photos to labels: files, folders, a stream of JPEGs. A photo that cannot be read is named on standard error, the others
// are classified all the same.

import CDeviceShim
import TinyRuntime

struct ClassifyCommand {
    static let syntax = Syntax(
        command: "classify",
        help: """
            tinyrt classify MODEL.tiny FILE|FOLDER|-... [--top N] [--threshold P] [--threads N] [--json]

            Prints the most probable classes of each photo (JPEG, PNG or PPM).

              FOLDER          its .jpg, .jpeg, .png and .ppm files and those in its folders, in the order of their names' bytes; names
                              that begin with a dot are left out
              -               JPEGs one after the other from standard input, answered as each is complete: stream:1, stream:2 ...
              --top N         classes to print for each photo, at least 1 (default 5)
              --threshold P   reject a photo whose best class is below this probability, 0 to 1 (default: the model's)
              --threads N     threads that share the work of one photo, 1 to 64 (default: one a core, at most 4, fewer
                              where the network is small)
              --json          one object a line: file, predictions [{index, label, probability}], rejected

            A photo that cannot be read is named on standard error and the others are classified; the exit code is then 65 (66 where all
            that is wrong is that files are missing). Examples:

              tinyrt classify birds.tiny --top 1 garden.jpg balcony.jpg
              ffmpeg -loglevel error -i /dev/video0 -f image2pipe -c:v mjpeg - | tinyrt classify birds.tiny --json -

            """,
        options: [.json, .top, .threshold, .threads], names: 2...Int.max,
        missing: "a model or a photo is missing: tinyrt classify MODEL.tiny FILE|FOLDER|-...")

    private let classifier: Classifier
    private var exitCode = ExitCode.done

    static func run(_ options: Options) -> Int32 {
        var exitCode = ExitCode.done
        guard let classifier = Classifier(options.names[0], options, exitCode: &exitCode) else { return exitCode }
        var command = ClassifyCommand(classifier: classifier)
        for name in options.names.dropFirst() {
            guard command.classify(name) else { return ExitCode.outputNotWritten }
        }
        return command.exitCode
    }

    private init(classifier: Classifier) { self.classifier = classifier }

    /// False: standard output takes no more.
    private mutating func classify(_ name: Argument) -> Bool {
        if name == "-" { return stream() }
        var identity = device_identity()
        guard device_identify(name.pointer, &identity) == 0, identity.is_folder != 0 else { return photo(name) }
        var found = false
        guard walk(name, identity, above: [], &found) else { return false }
        if !found { note(name.bytes, "no .jpg, .jpeg, .png or .ppm in this folder", ExitCode.missingInput) }
        return true
    }

    private mutating func photo(_ path: Argument) -> Bool {
        var identity = device_identity()
        return take(classifier.classify(path, identity: &identity), path.bytes)
    }

    private mutating func take(_ outcome: Classifier.Outcome, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch outcome {
        case .answered: return true
        case .outputLost: return false
        case .failed(let problem):
            Output.complain(name, problem.words)
            if case .missing = problem { count(ExitCode.missingInput) } else { count(ExitCode.badData) }
            return true
        }
    }

    private mutating func count(_ code: Int32) { exitCode = ExitCode.worse(exitCode, code) }

    private mutating func note(_ name: UnsafeBufferPointer<UInt8>, _ why: StaticString, _ code: Int32) {
        Output.complain(name, why)
        count(code)
    }

    // MARK: Folders

    private static let maximumDepth = 64

    /// - Parameter above: the folders on the way here; a link back to one of them is passed over.
    private mutating func walk(
        _ folder: Argument, _ identity: device_identity, above: [device_identity], _ found: inout Bool
    ) -> Bool {
        for other in above where other.device == identity.device && other.inode == identity.inode { return true }
        guard above.count < Self.maximumDepth else {
            note(folder.bytes, "more than 64 folders deep; not looked into", ExitCode.badData)
            return true
        }
        var list = device_names()
        let error = device_list(folder.pointer, &list)
        guard error == 0 else {
            Output.complain(folder.bytes, device_error_text(error))
            count(ExitCode.forInput(error))
            return true
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

    private mutating func stream() -> Bool {
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
                Output.complain(input, device_error_text(error))
                self.count(ExitCode.badData)
            }
            guard count > 0 else { break }
            var taken = 0
            while taken < count {
                var event = jpeg_stream_needs_more
                taken += jpeg_stream_take(&stream, chunk + taken, count - taken, &event)
                if event == jpeg_stream_needs_more { continue }
                if event == jpeg_stream_garbage {
                    // Once a stream: between a camera's images the same would come again and again.
                    if !hadGarbage {
                        note(input, "bytes that are no JPEG; going on with the next one", ExitCode.badData)
                    }
                    hadGarbage = true
                    continue
                }
                images += 1
                guard take(event, stream, image: images) else { return false }
            }
        }
        let last = jpeg_stream_end(&stream)
        if last != jpeg_stream_needs_more {
            images += 1
            return take(last, stream, image: images)
        }
        if images == 0 { note(input, "no JPEG came", ExitCode.missingInput) }
        return true
    }

    private mutating func take(_ event: jpeg_stream_event, _ stream: jpeg_stream, image: Int) -> Bool {
        var name = TextBytes()
        name.append("stream:")
        name.append(image)
        if event == jpeg_stream_image {
            let outcome = classifier.classify(UnsafeBufferPointer(start: stream.bytes, count: stream.count), name: name)
            return name.bytes.withUnsafeBufferPointer { take(outcome, $0) }
        }
        let why: StaticString =
            switch event {
            case jpeg_stream_cut_off: "truncated: it has no end marker"
            case jpeg_stream_too_large: "too large: more than 64 MB"
            case jpeg_stream_no_memory: "no memory for it"
            default: "damaged: a segment's length is impossible"
            }
        name.bytes.withUnsafeBufferPointer { note($0, why, ExitCode.badData) }
        return true
    }
}
