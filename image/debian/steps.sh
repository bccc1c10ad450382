# Steps that the images for Windows programs have in common. Sourced by their `make.sh`, as root in a minimal Debian.
# A Dockerfile runs it, and so do the builders of the test cluster, which has no container engine: both make the same.
export DEBIAN_FRONTEND=noninteractive
work=$(mktemp -d)

# Print the words of a list: a word a line, comments after "#".
words_of() {
  sed 's/#.*//' "$1"
}

install_packages() {
  cat >/etc/dpkg/dpkg.cfg.d/lean <<'END'
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
END
  apt-get -q -q update
  apt-get -q -q -y upgrade
  # shellcheck disable=SC2046 # words are meant
  apt-get -q -q -y install --no-install-recommends $(words_of "$1")
}

# The user that jobs have by default. No file needs it: any other user id works too.
add_user() {
  echo 'nonroot:x:65532:' >>/etc/group
  echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin' >>/etc/passwd
  echo 'nonroot:!::0:99999:7:::' >>/etc/shadow
  install -d -m 0755 -o 65532 -g 65532 /home/nonroot
}

# Remove what only builds need or only people read. Copyright files stay.
clean_up() {
  apt-get -q -q clean
  rm -rf "$work" /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/man /usr/share/info /usr/share/locale \
    /usr/share/lintian /usr/share/bug /root/.cache
  find /usr/share/doc -type f ! -name copyright -delete
}
