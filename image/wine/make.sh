# Makes the image that runs native Windows programs out of a minimal Debian: `wine X.exe`.
set -eu
. /build/steps.sh
[ "$(dpkg --print-architecture)" = amd64 ] || { echo "The image of Wine is for amd64 only." >&2; exit 1; }
lib=/usr/lib/x86_64-linux-gnu/wine
prefix=/opt/wine/prefix

unpack_wine() {
  dpkg --add-architecture i386
  apt-get -q -q update || : # a list that one mirror lacks need not matter: the download below tells
  mkdir "$work/packages"
  cd "$work/packages"
  # shellcheck disable=SC2046 # words are meant
  apt-get -q -q download $(words_of /build/wine-packages.txt)
  dpkg --install --force-depends ./*.deb >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  # apt, which others may want to use in images of theirs, would stop at what was left out on purpose.
  sed -i '/^Package: libwine$/,/^$/{/^Depends:/d}' /var/lib/dpkg/status
  # 32-bit programs run in 64-bit processes (WoW64): of the 32-bit package they need the Windows half alone.
  apt-get -q -q download "libwine:i386=$(dpkg-query --show --showformat '${Version}' libwine)"
  dpkg-deb --extract libwine_*_i386.deb "$work/i386"
  cp -r "$work"/i386/usr/lib/i386-linux-gnu/wine/i386-windows/. "$lib/i386-windows/"
  dpkg --remove-architecture i386
  cd /
}

# Four fifths are debugging symbols. The alignment is that of pages, so that processes share them.
make_small() {
  for pattern in $(words_of /build/left-out.txt); do
    rm -f "$lib"/*-windows/$pattern "$lib"/*-unix/$pattern
  done
  apt-get -q -q -y install --no-install-recommends binutils
  find "$lib"/*-windows -type f \( -name '*.dll' -o -name '*.exe' -o -name '*.drv' -o -name '*.sys' -o -name '*.ocx' \
    -o -name '*.cpl' -o -name '*.acm' \) -print0 |
    xargs -0 -P 0 -n 1 objcopy --strip-all --file-alignment=4096
  apt-get -q -q -y purge --auto-remove binutils
  rm -rf /usr/*-w64-mingw32*
}

# A prefix is what Windows calls the system drive, and the registry. Making one takes 10 seconds; copying the small part
# that has to be writable, milliseconds.
make_prefix() {
  mkdir -p "$prefix"
  export HOME="$work" WINEPREFIX="$prefix" WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml=;winemenubuilder.exe=d'
  printf 'WINE REGISTRY Version 2\n\n#arch=win64\n\n[Software\\\\Wine\\\\Drivers] 1\n"Graphics"="null"\n' \
    >"$prefix/user.reg"
  chown -R 65532:65532 "$work" "$prefix" # names and folders of the user whom jobs have by default
  as_user="timeout 300 setpriv --reuid 65532 --regid 65532 --clear-groups"
  $as_user /usr/lib/wine/wine64 wineboot --init >/dev/null 2>&1
  $as_user /usr/lib/wine/wine64 regedit /S 'Z:\build\registry.reg'
  $as_user /usr/lib/wine/wineserver64 -k || :
  $as_user /usr/lib/wine/wineserver64 -w
  [ -f "$prefix/system.reg" ] || { echo "Wine made no prefix." >&2; exit 1; }
  echo disable >"$prefix/.update-timestamp"
}

# Windows' own folders are the same for everybody, and nobody's to write: links to the image.
share_windows() {
  windows=/opt/wine/windows
  mv "$prefix/drive_c/windows" "$windows"
  for folder in system32 syswow64; do
    case "$folder" in system32) from=$lib/x86_64-windows ;; *) from=$lib/i386-windows ;; esac
    for file in "$windows/$folder"/*; do
      name=${file##*/}
      if [ -f "$file" ] && cmp -s "$file" "$from/$name"; then ln -sf "$from/$name" "$file"; fi
    done
  done
  mkdir "$prefix/drive_c/windows" "$prefix/drive_c/windows/temp"
  for one in "$windows"/*; do
    name=${one##*/}
    [ "$name" = temp ] || ln -s "$one" "$prefix/drive_c/windows/$name"
  done
  rm -f "$prefix"/dosdevices/*
  ln -s ../drive_c "$prefix/dosdevices/c:"
  ln -s / "$prefix/dosdevices/d:"
  mkdir -p /home
  ln -sfn /tmp /local
  chown -R root:root /opt/wine
  chmod -R a+rX,go-w /opt/wine
}

install_packages /build/packages.txt
unpack_wine
make_small
add_user
make_prefix
share_windows
install -m 0755 /build/wine /usr/local/bin/wine
clean_up
