# What differs among the architectures, and nowhere else. Sourced by tools/build-edge.
#
#   triple         Debian's name: its cross packages hold glibc's headers and libc.so.6, and GCC's libgcc.a
#   musl_triple    the same machine with musl, for the command
#   machine        what every C file is compiled for: the least processor of Debian's port; faster instructions are chosen while running
#   neon           flags that only Kernels/*_neon.c get, whose code runs where the processor has NEON
#   plain          flags that only Kernels/*_plain.c get: for size, where every processor has better
#   optimization   of C: for size, since the loops of the instruction sets' kernels are unrolled by hand; where plain C does the work, for speed
#   swift_target   the standard library of the toolchain that fits, and the same machine for Swift's C importer
#   emulation      the machine's name for the linker
select_target() {  # ARCHITECTURE
    architecture=$1
    machine=()
    neon=
    plain=
    optimization=-Os
    case $architecture in
        x86_64) triple=x86_64-linux-gnu musl_triple=x86_64-linux-musl emulation=elf_x86_64 swift_target=x86_64-unknown-linux-gnu ;;
        aarch64)
            triple=aarch64-linux-gnu musl_triple=aarch64-linux-musl emulation=aarch64linux swift_target=aarch64-none-none-elf
            machine=(-mno-outline-atomics)
            plain=-Oz ;;
        armv7)
            triple=arm-linux-gnueabihf musl_triple=arm-linux-musleabihf emulation=armelf_linux_eabi swift_target=armv7-none-none-eabi
            machine=(-march=armv7-a -mfloat-abi=hard -mfpu=vfpv3-d16)
            neon=-mfpu=neon ;;
        riscv64)
            triple=riscv64-linux-gnu musl_triple=riscv64-linux-musl emulation=elf64lriscv swift_target=riscv64-none-none-eabi
            machine=(-march=rv64gc -mabi=lp64d)
            optimization=-O2 ;;
    esac
    swift_machine=()
    for flag in "${machine[@]}"; do swift_machine+=(-Xcc "$flag"); done
    glibc_headers=(-isystem "/usr/$triple/include")
    glibc=/usr/$triple/lib/libc.so.6
    [ "$architecture" != armv7 ] || glibc_headers+=(-D_FILE_OFFSET_BITS=64)  # there glibc's default is 32
    if [ "$architecture" = x86_64 ]; then
        glibc_headers=(-isystem "/usr/include/$triple" -isystem /usr/include)
        glibc=/lib/$triple/libc.so.6
    fi
    libgcc=$("$triple-gcc" -print-libgcc-file-name)
    work=$out/work/$architecture
}

# Flags of one C file, after those of all.
flags_of() {  # SOURCE
    case $1 in
        *_neon.c) echo "$neon" ;;
        *_plain.c) echo "$plain" ;;
    esac
}
