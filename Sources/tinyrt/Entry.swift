// tinyrt: the device's command. It needs a libc, libjpeg and libpng, no Foundation and no Swift runtime library, so that it also compiles
// in Embedded Swift. This file is where the process begins; Command.swift is where to read on.

#if hasFeature(Embedded)
    @c(main)
    public func main(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
        Command.run(Arguments(arguments, count: Int(count)))
    }
#else
    @_silgen_name("exit") private func exitProcess(_ code: Int32) -> Never

    @main
    enum Entry {
        static func main() {
            exitProcess(Command.run(Arguments(CommandLine.unsafeArgv, count: Int(CommandLine.argc))))
        }
    }
#endif
