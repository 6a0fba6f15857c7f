# The release folder and its archive. Sourced by tools/build-edge.

fill() {  # TEMPLATE TARGET
    sed -e "s|@version@|$version|g; s|@architecture@|$architecture|g; s|@pointer_bytes@|$pointer_bytes|g; s|@musl@|$(source_version musl)|g" \
        -e "s|@jpeg@|$(source_version libjpeg-turbo)|g; s|@compiler@|$(swiftc --version 2>/dev/null | head -1)|g" \
        -e "s|@gcc@|$("$triple-gcc" --version | head -1)|g" "tools/edge/templates/$1" >"$2"
    chmod 644 "$2"
}

source_version() { basename "$sources/$1"_*.dsc .dsc | cut -d_ -f2; }

package() {  # TREE: all but bin/, lib/*.a, lib/*.so and include/, which are there
    local tree=$1 licenses=$1/share/licenses pointer_bytes=8
    [ "$architecture" != armv7 ] || pointer_bytes=4
    mkdir -p "$tree"/lib/{pkgconfig,cmake/tinyrt}
    fill tinyrt.pc "$tree/lib/pkgconfig/tinyrt.pc"
    fill tinyrt-config.cmake "$tree/lib/cmake/tinyrt/tinyrt-config.cmake"
    fill tinyrt-config-version.cmake "$tree/lib/cmake/tinyrt/tinyrt-config-version.cmake"
    fill tinyrt_jpeg.pc "$tree/lib/pkgconfig/tinyrt_jpeg.pc"
    install -m 644 -D -t "$licenses/tinyrt" LICENSE
    install -m 644 -D -t "$licenses/musl" "$musl_source/COPYRIGHT"
    install -m 644 -D -t "$licenses/libjpeg-turbo" "$jpeg_source"/{LICENSE.md,README.ijg}
    install -m 644 -D -t "$licenses/swift" "$toolchain/../share/swift/LICENSE.txt"
    fill NOTICE "$licenses/NOTICE"
    (cd "$sources" && sha256sum ./*.tar.* | sed 's|^|  |; s|\./||') >>"$licenses/NOTICE"
    (cd "$tree" && find . -type f ! -name SHA256SUMS | sed 's|^\./||' | sort | xargs sha256sum >SHA256SUMS)
}

# DIR/NAME and DIR/NAME.tar.gz appear whole: made beside and renamed. Names sorted, no owners, one time: the same files, the same archive.
publish() {  # TREE
    local name=tinyrt-$version-$architecture
    rm -rf "$work/$name"
    mv "$1" "$work/$name"
    tar -C "$work" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w --mtime='2026-01-01 00:00:00Z' \
        -cf - "$name" | gzip -9n >"$work/$name.tar.gz"
    rm -rf "${out:?}/$name"
    mv "$work/$name" "$work/$name.tar.gz" "$out/"
}
