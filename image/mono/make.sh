# Makes the image that runs programs of .NET Framework out of a minimal Debian: `mono X.exe`.
set -eu
. /build/steps.sh
install_packages /build/packages.txt
# The package's own hook fills the machine's store; a build without /proc can make it fail in silence.
cert-sync --quiet /etc/ssl/certs/ca-certificates.crt >/dev/null
[ -n "$(find /usr/share/.mono/new-certs -type f 2>/dev/null | head -n 1)" ] ||
  { echo "ca-certificates-mono filled no store of certificates: TLS would fail." >&2; exit 1; }
add_user
clean_up
