// tinyrt watch: classifies each photo that comes into a folder, once, until it is asked to end.
//
// A photo is taken when its writer closes it, or when it is moved in. One that fails then and was written to a moment ago may have a writer
// that opens it again: it is looked at once more two seconds later before anything is said. Whatever makes events insufficient (too many at
// once, a folder that was away) ends in looking through the folder for what has not been answered.

import CDeviceShim
import TinyRuntime

struct WatchCommand {
    static let syntax = Syntax(
        command: "watch",
        help: """
            tinyrt watch MODEL.tiny FOLDER [--existing] [--top N] [--threshold P] [--threads N] [--json]

            Classifies each photo (.jpg, .jpeg, .png, .ppm) that is written or moved into a folder, once, as `tinyrt classify` does, until
            SIGTERM or SIGINT, which end it with exit code 0 after the photo under way.

              --existing      the photos that lie there already, first
              --top N         classes to print for each photo, at least 1 (default 5)
              --threshold P   reject a photo whose best class is below this probability, 0 to 1 (default: the model's)
              --threads N     threads that share the work of one photo, 1 to 64 (default: one a core, at most 4, fewer
                              where the network is small)
              --json          one object a line: file, predictions [{index, label, probability}], rejected

            A photo that is written again is a new one. Names that begin with a dot or end otherwise (.tmp, .part) are left alone until
            they are renamed; so are folders inside. A photo that cannot be read is a line on standard error, two seconds after it was
            last written. A folder that vanishes is waited for. A model that is replaced (by `tinyrt install`, never by writing into the
            file) is taken before the next photo; one that is not sound is named, and the old one goes on. Example:

              tinyrt watch /var/lib/birds/birds.tiny /srv/camera --json >>/var/log/birds.jsonl

            """,
        options: [.existing, .top, .threshold, .threads, .json], names: 2...2,
        missing: "a model or a folder is missing: tinyrt watch MODEL.tiny FOLDER")

    private enum Wait {
        static let forFolder: Int32 = 1000
        static let forWriter: Int32 = 2000
        /// How long a folder may have been replaced by another before it is seen.
        static let idle: Int32 = 5000
    }

    private let options: Options
    private let modelPath: Argument
    private let folder: Argument
    private var classifier: Classifier
    /// The model's file as it was last looked at, sound or not.
    private var modelIdentity: device_identity
    private var known = KnownPhotos()
    private var knownLimit = 1 << 16
    /// When to look through the folder again, on the clock of `device_nanoseconds`.
    private var nextLook: UInt64?

    static func run(_ options: Options) -> Int32 {
        let folder = options.names[1]
        var error: Int32 = 0
        // Before there are threads, which inherit what is done about signals.
        guard let watch = device_watch_open(&error) else {
            Output.complain(folder.bytes, device_error_text(error))
            return ExitCode.failure
        }
        var exitCode = ExitCode.done
        guard let classifier = Classifier(options.names[0], options, exitCode: &exitCode) else { return exitCode }
        var command = WatchCommand(options, classifier)
        error = options.existing ? 0 : command.learnFolder()
        if error == 0 { error = device_watch_folder(watch, folder.pointer) }
        guard error == 0 else {
            Output.complain(folder.bytes, device_error_text(error))
            return device_is_missing(error) != 0 ? ExitCode.missingInput : ExitCode.failure
        }
        Output.complain(folder.bytes, "watching")
        return command.run(watch)
    }

    private init(_ options: Options, _ classifier: Classifier) {
        self.options = options
        modelPath = options.names[0]
        folder = options.names[1]
        self.classifier = classifier
        modelIdentity = classifier.modelIdentity
    }

    private mutating func run(_ watch: OpaquePointer) -> Int32 {
        var isGone = false
        // What came between learning the folder and watching it.
        guard lookThrough(watch) else { return ExitCode.outputNotWritten }
        while true {
            if let next = nextLook, !isGone, device_nanoseconds() >= next {
                guard lookThrough(watch) else { return ExitCode.outputNotWritten }
            }
            var name: UnsafePointer<CChar>?
            var error: Int32 = 0
            let wait = isGone ? Wait.forFolder : nextLook != nil ? Wait.forWriter : Wait.idle
            switch device_watch_next(watch, wait, &name, &error) {
            case device_watch_asked_to_end: return ExitCode.done
            case device_watch_name:
                guard let name else { continue }
                guard attempt(name) else { return ExitCode.outputNotWritten }
            case device_watch_lost:
                guard lookThrough(watch) else { return ExitCode.outputNotWritten }
            case device_watch_gone:
                isGone = true
                Output.complain(folder.bytes, "the folder is gone; waiting for it to come back")
            case device_watch_time_over:
                guard isGone, device_watch_folder(watch, folder.pointer) == 0 else { continue }
                isGone = false
                Output.complain(folder.bytes, "the folder is back")
                guard lookThrough(watch) else { return ExitCode.outputNotWritten }
            default:
                Output.complain(folder.bytes, device_error_text(error))
                return ExitCode.failure
            }
        }
    }

    /// False: standard output takes no more.
    private mutating func attempt(_ name: UnsafePointer<CChar>) -> Bool {
        guard name[0] != 0x2E, PhotoName.fits(name) else { return true }
        return Path(folder, name).withArgument { path in
            var identity = device_identity()
            guard device_identify(path.pointer, &identity) == 0, identity.is_file != 0,
                !known.contains(KnownPhotos.hash(name, identity))
            else { return true }
            reloadReplacedModel()
            switch classifier.classify(path, identity: &identity) {
            case .outputLost: return false
            case .answered: remember(name, identity)
            case .failed(.missing): break  // gone again: its writer's affair
            case .failed(.unreadable(let words)):
                if device_is_recent(&identity, Int64(Wait.forWriter / 1000)) != 0 {
                    nextLook = device_nanoseconds() + UInt64(Wait.forWriter) * 1_000_000
                } else {
                    Output.complain(path.bytes, words)
                    remember(name, identity)
                }
            }
            return true
        }
    }

    private mutating func remember(_ name: UnsafePointer<CChar>, _ identity: device_identity) {
        known.insert(KnownPhotos.hash(name, identity))
        guard known.count > knownLimit else { return }
        // Photos that have left the folder need not be known.
        let all = known
        known = KnownPhotos()
        let photos = FolderPhotos(folder)
        while let photo = photos.next() {
            if all.contains(photo.hash) { known.insert(photo.hash) }
        }
        knownLimit = max(1 << 16, 2 * known.count)
    }

    /// Everything that lies there counts as answered.
    private mutating func learnFolder() -> Int32 {
        let photos = FolderPhotos(folder)
        while let photo = photos.next() { known.insert(photo.hash) }
        return photos.error
    }

    private mutating func lookThrough(_ watch: OpaquePointer) -> Bool {
        nextLook = nil
        let photos = FolderPhotos(folder)
        while let photo = photos.next() {
            guard attempt(photo.name) else { return false }
            // A folder full of photos must not keep the process from ending.
            if device_watch_ends(watch) != 0 { break }
        }
        return true
    }

    /// A model that `tinyrt install` has put in place since. Both are in memory for a moment: the old one is let go when the new one stands.
    private mutating func reloadReplacedModel() {
        var identity = device_identity()
        let error = device_identify(modelPath.pointer, &identity)
        let isSame =
            identity.device == modelIdentity.device && identity.inode == modelIdentity.inode
            && identity.size == modelIdentity.size && identity.seconds == modelIdentity.seconds
            && identity.nanoseconds == modelIdentity.nanoseconds
        guard !isSame else { return }
        modelIdentity = identity  // said once
        let consequence: StaticString = "; the model that was loaded goes on"
        guard error == 0 else {
            var why = TextBytes()
            why.append(system: device_error_text(error))
            why.append(consequence)
            Output.complain(modelPath.bytes, why)
            return
        }
        var exitCode = ExitCode.done
        guard let new = Classifier(modelPath, options, exitCode: &exitCode, consequence: consequence) else { return }
        classifier = new
        modelIdentity = new.modelIdentity
        var what = TextBytes()
        what.append("replaced; going on with checksum ")
        what.append(hexadecimal: new.model.edge.checksum, digits: 16)
        Output.complain(modelPath.bytes, what)
    }
}
