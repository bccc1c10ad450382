# Makes the test image of .NET out of a minimal Debian: `dotnet X.dll`. /build/runtime is the wheel's folder of programs.
set -eu
. /build/steps.sh
install_packages /build/packages.txt
mv /build/runtime /usr/share/dotnet
chmod -R a+rX /usr/share/dotnet
chmod 755 /usr/share/dotnet/dotnet
ln -s ../share/dotnet/dotnet /usr/bin/dotnet
add_user
clean_up
