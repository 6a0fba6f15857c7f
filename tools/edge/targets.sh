# What differs among the architectures, and nowhere else. Sourced by tools/build-edge.
#
#   triple         Debian's name: cross packages, glibc's headers and libc.so.6, GCC's libgcc.a
#   machine        what every C compilation gets: the least processor of Debian's port of that name, since faster instructions are
#                  chosen while running
#   swift_target   the standard library in the toolchain that fits, with the C importer's flags for the same calling convention
#   emulation      the linker's name
select_target() {  # ARCHITECTURE
    architecture=$1
    machine=()
    swift_target=()
    case $architecture in
        x86_64)
            triple=x86_64-linux-gnu emulation=elf_x86_64 gcc=gcc size=size
            swift_target=(-target x86_64-unknown-linux-gnu) ;;
        aarch64)
            triple=aarch64-linux-gnu emulation=aarch64linux
            machine=(-mno-outline-atomics)
            swift_target=(-target aarch64-none-none-elf) ;;
        armv7)
            triple=arm-linux-gnueabihf emulation=armelf_linux_eabi
            machine=(-march=armv7-a -mfloat-abi=hard -mfpu=vfpv3-d16)
            swift_target=(-target armv7-none-none-eabi) ;;
        riscv64)
            triple=riscv64-linux-gnu emulation=elf64lriscv
            machine=(-march=rv64gc -mabi=lp64d)
            swift_target=(-target riscv64-none-none-eabi) ;;
    esac
    if [ "$architecture" != x86_64 ]; then
        gcc=$triple-gcc size=$triple-size
        for flag in "${machine[@]}"; do swift_target+=(-Xcc "$flag"); done
        glibc_headers=(/usr/$triple/include) glibc=/usr/$triple/lib/libc.so.6
    else
        glibc_headers=(/usr/include/$triple /usr/include) glibc=/lib/$triple/libc.so.6
    fi
    libgcc=$("$gcc" -print-libgcc-file-name)
    work=$out/work/$architecture
}
