#!/bin/sh
# Makes the programs beside it: real headers of each kind, as small as compilers make them.
# Needs Debian's mono-mcs, gcc, gcc-mingw-w64-x86-64-win32 and gcc-mingw-w64-i686-win32.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
echo 'class A { static int Main(string[] words) { System.Console.WriteLine("hi"); return 3; } }' >"$work/a.cs"
echo 'void start(void) {}' >"$work/n.c"
echo 'int main(void) { return 0; }' >"$work/l.c"
mcs -out:managed.exe "$work/a.cs"
mcs -platform:x86 -out:managed-x86.exe "$work/a.cs"
mcs -target:winexe -out:managed-gui.exe "$work/a.cs"
x86_64-w64-mingw32-gcc -s -nostdlib -Wl,-e,start -o native-x64.exe "$work/n.c"
i686-w64-mingw32-gcc -s -nostdlib -Wl,-e,_start -o native-x86.exe "$work/n.c"
x86_64-w64-mingw32-gcc -s -nostdlib -mwindows -Wl,-e,start -o native-gui.exe "$work/n.c"
gcc -s -o "$work/linux-x64" "$work/l.c"
head -c 1024 "$work/linux-x64" >linux-x64
chmod 644 -- *.exe linux-x64
rm -r "$work"
