// Options: the commands' words, read in one place by what each command's syntax allows. `--name value` and `--name=value`; `--` ends the
// options; a lone `-` is a name.

import CDeviceShim
import TinyRuntime

enum Option: UInt16, CaseIterable {
    case json = 1
    case top = 2
    case threshold = 4
    case threads = 8
    case runs = 16
    case warmup = 32
    case isa = 64
    case existing = 128
    case destination = 256
    case profile = 512
    case trace = 1024

    var spelling: StaticString {
        switch self {
        case .json: "--json"
        case .top: "--top"
        case .threshold: "--threshold"
        case .threads: "--threads"
        case .runs: "--runs"
        case .warmup: "--warmup"
        case .isa: "--isa"
        case .existing: "--existing"
        case .destination: "--as"
        case .profile: "--profile"
        case .trace: "--trace"
        }
    }

    /// What its value must be; nil: it has none.
    var value: StaticString? {
        switch self {
        case .json, .existing, .profile: nil
        case .top: "a whole number of at least 1"
        case .threshold: "a number from 0 to 1"
        case .threads: "a whole number from 1 to 64"
        case .runs: "a whole number from 1 to 1000000"
        case .warmup: "a whole number from 0 to 1000000"
        case .isa: "an instruction set of this processor"
        case .destination: "the model's file name"
        case .trace: "a file name"
        }
    }
}

/// What one command takes.
struct Syntax {
    let command: StaticString
    /// Begins with the usage line.
    let help: StaticString
    let options: [Option]
    /// How many names, the model's included.
    let names: ClosedRange<Int>
    let missing: StaticString
}

struct Options {
    enum Outcome {
        case options(Options)
        /// The help was shown, or the usage was wrong and that has been said.
        case ended(Int32)
    }

    var names: [Argument] = []
    var json = false
    var existing = false
    var top = 5
    /// nil: the model's.
    var threshold: Float?
    /// nil: as many as help this model here.
    var threads: Int?
    var runs = 100
    var warmup = 10
    var isa = InstructionSet.best
    var destination: Argument?
    var profile = false
    var trace: Argument?

    func threads(for model: Model) -> Int {
        if let threads { return threads }
        let processors = Int(device_processors(Int32(Session.mostSuggestedThreads)))
        return Session.suggestedThreads(for: model, processors: processors)
    }

    static func read(_ arguments: inout Arguments, _ syntax: Syntax) -> Outcome {
        var options = Options()
        var onlyNames = false
        while let word = arguments.next() {
            if onlyNames || !word.isOption {
                guard options.names.count < syntax.names.upperBound else {
                    return .ended(Output.usageError(syntax.command, "one name too many:", word))
                }
                options.names.append(word)
            } else if word == "--" {
                onlyNames = true
            } else if word == "--help" || word == "-h" {
                return .ended(Command.help(syntax.help))
            } else {
                let exitCode = options.take(word, &arguments, syntax)
                if exitCode != ExitCode.done { return .ended(exitCode) }
            }
        }
        guard options.names.count >= syntax.names.lowerBound else {
            return .ended(Output.usageError(syntax.command, syntax.missing))
        }
        return .options(options)
    }

    private mutating func take(_ word: Argument, _ arguments: inout Arguments, _ syntax: Syntax) -> Int32 {
        for option in syntax.options {
            guard let rest = word.after(option.spelling) else { continue }
            guard let kind = option.value else {
                guard rest.pointer[0] == 0 else { return Output.usageError(syntax.command, "no value goes with", word) }
                switch option {
                case .json: json = true
                case .existing: existing = true
                default: profile = true
                }
                return ExitCode.done
            }
            guard let value = rest.pointer[0] == 0 ? arguments.next() : rest.dropFirst() else {
                return Output.usageError(syntax.command, option.spelling, needs: kind)
            }
            guard set(option, value) else { return Output.usageError(syntax.command, option.spelling, needs: kind, value) }
            return ExitCode.done
        }
        return Output.usageError(syntax.command, "unknown option", word)
    }

    private mutating func set(_ option: Option, _ value: Argument) -> Bool {
        switch option {
        case .json, .existing, .profile: return false
        case .top: return Self.set(&top, value, 1...Int(Int32.max))
        case .threads:
            var number = 0
            guard Self.set(&number, value, 1...64) else { return false }
            threads = number
        case .runs: return Self.set(&runs, value, 1...1_000_000)
        case .warmup: return Self.set(&warmup, value, 0...1_000_000)
        case .threshold:
            guard let share = value.share else { return false }
            threshold = Float(share)
        case .isa:
            for candidate in InstructionSet.allCases where value == candidate.name && candidate.isAvailable {
                isa = candidate
                return true
            }
            return false
        case .destination:
            guard value.pointer[0] != 0 else { return false }
            destination = value
        case .trace:
            guard value.pointer[0] != 0 else { return false }
            trace = value
        }
        return true
    }

    private static func set(_ number: inout Int, _ value: Argument, _ range: ClosedRange<Int>) -> Bool {
        guard let found = value.number, range.contains(found) else { return false }
        number = found
        return true
    }
}
