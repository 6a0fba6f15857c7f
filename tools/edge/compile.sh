# Compiling and linking for the selected target. Sourced by tools/build-edge.

# No unwind tables: nothing unwinds through the runtime. No paths in the objects, so that the folder does not matter.
c_flags=(-std=c11 -fPIC -ffp-contract=off -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables
    -fno-ident -Wall -Werror "-ffile-prefix-map=$repository=." -fdebug-compilation-dir=.)

kernel_headers=$repository/Sources/TinyRuntime/Kernels/include
image_shim=Sources/ImageCodec/CImageShim
device_shim=Sources/tinyrt/CDeviceShim
jpeg_library=Sources/TinyRuntime/JPEG

# What -Osize leaves: frame pointers, copies of functions for each closure, unrolled loops, and LLVM's inlining.
smaller=(-Xcc -fomit-frame-pointer -Xllvm -sil-disable-pass=closure-specialize -Xllvm -sil-disable-pass=loop-unroll
    -Xllvm -inline-threshold=0)

compile_swift() {  # MODULE FLAG... -- FOLDER: work/MODULE.o and work/MODULE.swiftmodule
    local module=$1 flags=() sources
    shift
    while [ "$1" != -- ]; do flags+=("$1"); shift; done
    mapfile -t sources < <(find "$2" -name '*.swift' | sort)
    swiftc -target "$swift_target" "${swift_machine[@]}" -swift-version 6 -enable-experimental-feature Embedded -wmo -parse-as-library \
        -Osize "${smaller[@]}" -warnings-as-errors -Xfrontend -function-sections -Xfrontend -disable-stack-protector -module-cache-path "$work/module-cache" \
        -file-prefix-map "$repository=." -I "$kernel_headers" "${flags[@]}" \
        -module-name "$module" -emit-module -emit-module-path "$work/$module.swiftmodule" -c "${sources[@]}" -o "$work/$module.o"
    # A hash of the compiler's input, folder names included; it serves incremental builds.
    llvm-objcopy --remove-section=.swift_modhash "$work/$module.o"
}

compile_c() {  # TARGET OBJECT-FOLDER FLAG... -- SOURCE...: one object a source, several at a time
    local target=$1 objects=$2 flags=()
    shift 2
    while [ "$1" != -- ]; do flags+=("$1"); shift; done
    shift
    rm -rf "$objects"
    mkdir -p "$objects"
    export -f flags_of
    export neon plain
    printf '%s\0' "$@" | xargs -0 -P "$jobs" -I{} bash -c \
        'source=$1 objects=$2; shift 2
         exec clang "$@" $(flags_of "$source") -c "$source" -o "$objects/$(basename "$source" .c).o"' \
        bash {} "$objects" "--target=$target" "${machine[@]}" "$optimization" "${c_flags[@]}" -nostdlibinc "${flags[@]}"
}

# The functions that a header declares, one a line: the only list of what a library shows.
declared() {  # HEADER PREFIX
    clang -E -P -I "$kernel_headers" "$1" | grep -oE "\b$2[a-z0-9_]+ *\(" | tr -d ' (' | sort -u
}

# One relocatable object in which only the given names are global. What nothing needs is dropped, and the rest cannot meet the names of a
# program's own Swift runtime.
join_objects() {  # RESULT EXPORTS OBJECT...
    local result=$1 exports=$2 roots=()
    shift 2
    while read -r name; do roots+=(-u "$name"); done <"$exports"
    ld.lld -m "$emulation" -r --gc-sections "${roots[@]}" -o "$result.joined" "$@"
    llvm-objcopy --keep-global-symbols="$exports" --discard-all --remove-section=.comment "$result.joined" "$result"
    rm "$result.joined"
}

archive() {  # RESULT OBJECT: without times and owners
    rm -f "$1"
    llvm-ar rcsD "$1" "$2"
}

# lib/libtinyrt.a and .so: for a program of the device's own libc.
build_library() {  # TREE
    local lib=$1/lib
    compile_swift TinyRuntime -- Sources/TinyRuntime
    compile_c "$triple" "$work/kernels" -I "$kernel_headers" "${glibc_headers[@]}" -- Sources/TinyRuntime/Kernels/*.c
    declared "$kernel_headers/tinyrt.h" tinyrt_ >"$work/tinyrt.exports"
    join_objects "$work/libtinyrt.o" "$work/tinyrt.exports" "$work/TinyRuntime.o" "$work"/kernels/*.o
    archive "$lib/libtinyrt.a" "$work/libtinyrt.o"
    ld.lld -m "$emulation" -shared -soname libtinyrt.so.0 --gc-sections --exclude-libs ALL --build-id=none --hash-style=gnu \
        -z defs -z text -z now -z relro -z noexecstack -o "$lib/libtinyrt.so.$version" "$work/libtinyrt.o" "$libgcc" "$glibc"
    llvm-objcopy --strip-all --remove-section=.comment "$lib/libtinyrt.so.$version"
    chmod 644 "$lib/libtinyrt.so.$version"
    ln -s "libtinyrt.so.$version" "$lib/libtinyrt.so.0"
    ln -s libtinyrt.so.0 "$lib/libtinyrt.so"
    install -m 644 -D -t "$1/include" "$kernel_headers/tinyrt.h"
}

# lib/libtinyrt_jpeg.a: needs libtinyrt and the device's libjpeg.
build_jpeg_library() {  # TREE
    local header=$jpeg_library/include/tinyrt_jpeg.h
    compile_c "$triple" "$work/jpeg" -I "$kernel_headers" -I "$image_shim" -I "$image_shim/include" -I "$jpeg_library/include" \
        "${glibc_headers[@]}" -isystem "$work/jpeg-headers" -- "$jpeg_library"/*.c "$image_shim"/{jpeg_decode,exif,placement}.c
    declared "$header" tinyrt_ | grep -vxFf "$work/tinyrt.exports" >"$work/tinyrt_jpeg.exports"
    join_objects "$work/libtinyrt_jpeg.o" "$work/tinyrt_jpeg.exports" "$work"/jpeg/*.o
    archive "$1/lib/libtinyrt_jpeg.a" "$work/libtinyrt_jpeg.o"
    install -m 644 -D -t "$1/include" "$header"
}

# bin/tinyrt: everything inside, so that it runs on any Linux of its processor.
build_command() {  # TREE
    local modules=$work/modules libc=(-isystem "$sysroot/include")
    mkdir -p "$modules"
    cat >"$modules/module.modulemap" <<MAP
module CImageShim { umbrella "$repository/$image_shim/include" export * }
module CDeviceShim { umbrella "$repository/$device_shim/include" export * }
MAP
    compile_swift tinyrt -I "$work" -Xcc "-fmodule-map-file=$modules/module.modulemap" -- Sources/tinyrt
    compile_c "$musl_triple" "$work/command" -I "$kernel_headers" "${libc[@]}" -- Sources/TinyRuntime/Kernels/*.c
    # For size: nothing of it takes time.
    compile_c "$musl_triple" "$work/shims" -Os -DIMAGE_SHIM_NO_PNG -I "$image_shim/include" -I "$device_shim/include" "${libc[@]}" -- \
        "$device_shim"/*.c "$image_shim"/{image_decode,jpeg_decode,ppm_decode,exif,placement}.c
    ld.lld -m "$emulation" -static -pie --no-dynamic-linker --gc-sections --strip-all --build-id=none --hash-style=gnu \
        -z text -z now -z relro -z noexecstack \
        -o "$1/bin/tinyrt" "$sysroot/lib/rcrt1.o" "$sysroot/lib/crti.o" "$work/tinyrt.o" "$work/TinyRuntime.o" "$work"/{command,shims}/*.o \
        "$sysroot/lib/libjpeg.a" --start-group "$sysroot/lib/libc.a" "$libgcc" --end-group "$sysroot/lib/crtn.o"
    llvm-objcopy --remove-section=.comment "$1/bin/tinyrt"
}
