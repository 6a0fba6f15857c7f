# Compiling and linking for the selected target. Sourced by tools/build-edge.

# No unwind tables: nothing unwinds through the runtime. Paths stay out of the objects, so that the folder does not matter.
c_flags=(-std=c11 -O2 -fPIC -ffp-contract=off -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables
    -fno-ident -Wall -Wextra -Werror "-ffile-prefix-map=$repository=." -fdebug-compilation-dir=. -D_FILE_OFFSET_BITS=64)

compile_swift() {  # MODULE FOLDER FLAG...: work/MODULE.o and .swiftmodule
    local module=$1 folder=$2
    shift 2
    local sources
    mapfile -t sources < <(find "$folder" -name '*.swift' | sort)
    swiftc "${swift_target[@]}" -swift-version 6 -enable-experimental-feature Embedded -wmo -parse-as-library -Osize \
        -Xfrontend -function-sections -Xfrontend -disable-stack-protector -module-cache-path "$work/module-cache" \
        -file-prefix-map "$repository=." -I "$repository/Sources/TinyRuntime/Kernels/include" "$@" \
        -module-name "$module" -emit-module -emit-module-path "$work/$module.swiftmodule" -c "${sources[@]}" -o "$work/$module.o"
}

compile_c() {  # TARGET OBJECT-FOLDER SOURCE... -- FLAG...: one object a source, several at a time
    local target=$1 objects=$2 sources=()
    shift 2
    while [ "$1" != -- ]; do sources+=("$1"); shift; done
    shift
    mkdir -p "$objects"
    local flags=("--target=$target" "${machine[@]}" "${c_flags[@]}" -nostdlibinc "$@")
    printf '%s\0' "${sources[@]}" | xargs -0 -P "$jobs" -I{} sh -c \
        'source=$1; objects=$2; shift 2; exec clang "$@" -c "$source" -o "$objects/$(basename "$source" .c).o"' sh {} "$objects" "${flags[@]}"
}

glibc_flags() { printf -- '-isystem\n%s\n' "${glibc_headers[@]}"; }

# The functions that a header declares, one a line: the only list of what a library shows.
declared() {  # HEADER PREFIX
    clang -E -P -I "$(dirname "$1")" "$1" | grep -oE "\b$2[a-z0-9_]+ *\(" | tr -d ' (' | sort -u
}

# One relocatable object in which only the given names are global; the rest is dropped where unused and cannot meet the names of a
# program's own Swift runtime.
join_objects() {  # RESULT EXPORTS OBJECT...
    local result=$1 exports=$2
    shift 2
    local roots=()
    while read -r name; do roots+=(-u "$name"); done <"$exports"
    ld.lld -m "$emulation" -r --gc-sections "${roots[@]}" -o "$result.joined" "$@"
    llvm-objcopy --keep-global-symbols="$exports" --discard-all --remove-section=.comment --remove-section=.swift_modhash "$result.joined" "$result"
    rm "$result.joined"
}

archive() {  # RESULT OBJECT: no times, no owners
    rm -f "$1"
    llvm-ar rcsD "$1" "$2"
}

build_core() {
    select_target "$architecture"
    mkdir -p "$work/lib"
    compile_swift TinyRuntime Sources/TinyRuntime
    mapfile -t libc < <(glibc_flags)
    compile_c "$triple" "$work/kernels" Sources/TinyRuntime/Kernels/*.c -- -I Sources/TinyRuntime/Kernels/include "${libc[@]}"
    declared Sources/TinyRuntime/Kernels/include/tinyrt.h tinyrt_ >"$work/exports"
    join_objects "$work/tinyrt.o" "$work/exports" "$work/TinyRuntime.o" "$work"/kernels/*.o
    archive "$work/lib/libtinyrt.a" "$work/tinyrt.o"
    ld.lld -m "$emulation" -shared -soname libtinyrt.so.0 --gc-sections --exclude-libs ALL -z defs -z now -z relro --hash-style=gnu \
        --build-id=none -o "$work/lib/libtinyrt.so.$version" "$work/tinyrt.o" "$libgcc" "$glibc"
}
