# Runs a program with words. Those that are paths of Windows become paths of Linux.
run() {
  local count=$# word
  case "$*" in
    *\\* | *:/*)
      while [ "$count" -gt 0 ]; do
        argument "$1"
        shift
        set -- "$@" "$R"
        count=$((count - 1))
      done
      ;;
  esac
  if ! command -v "$1" >/dev/null 2>&1; then
    unknown "$1"
    return
  fi
  [ -n "$looked" ] || odd_environment
  if [ -n "$odd" ]; then
    for_programs "$@"
  else
    "$@"
  fi
  leave $?
}

# Runs a program with words, and the words of a text. $1: the text.
run_text() {
  local rest=$1 word
  shift
  while next_argument; do set -- "$@" "$word"; done
  run "$@"
}

# Finds the variables of the environment whose names the shell can't hold, so that programs get them.
odd_environment() {
  local line key value
  looked=1
  for line in $(tr '\n\000' '\001\n' <"/proc/$$/environ" 2>/dev/null | LC_ALL=C sed -n '/^[^=]*[^A-Za-z0-9_=][^=]*=/p'); do
    variable_key "${line%%=*}"
    key=$R
    case $known in
      *" $key "*) ;;
      *)
        R=${line#*=}
        case $R in *"$SOH"*) lines_from_marks ;; esac
        note_value "$key" "${line%%=*}" "$R"
        odd="$odd$key "
        ;;
    esac
  done
}

# Runs a program with those variables, too, that the shell can't hold or needs for itself.
for_programs() {
  local key name value
  IFS=' '
  for key in $odd; do
    IFS=$NL
    # Keys are capitals, digits, "_" and x with two digits.
    eval "name=\$n_$key value=\$v_$key"
    if [ -n "$value" ]; then set -- "$name=$value" "$@"; else set -- -u "$name" "$@"; fi
  done
  IFS=$NL
  env "$@"
}

# Sets R to an argument of a program: a path of Linux where it is a path of Windows, else as it is.
argument() {
  local before=$1 head
  R=$1
  case $1 in
    [A-Za-z]:[\\/]* | .\\* | ..\\*) path "$1" ;;
    -*=[A-Za-z]:\\* | -*=/*\\* | -*=.\\* | -*=..\\* | /*=[A-Za-z]:\\* | [A-Za-z]*=[A-Za-z]:\\*)
      head=${1%%=*}=
      path "${1#*=}"
      R=$head$R
      ;;
    \\\\* | *[\|\(\)\[\]\{\}\^\$\<\>]*) ;;
    */*\\*)
      head=${1%%\\*}
      if [ -e "$head" ]; then path "$1"; fi
      ;;
    *\\*)
      path "$1"
      if [ ! -e "$R" ]; then
        case $R in
          */*/* | [!/]*/*) [ -d "${R%/*}/" ] || R=$before ;;
          *) R=$before ;;
        esac
      fi
      ;;
  esac
}

# Tells that there is no such command.
unknown() {
  printf "'%s' is not recognized as an internal or external command,\noperable program or batch file.\n" "$1" >&2
  err=9009 code=1
  return 1
}

# Runs a program by a name that is known only now. $1: the name, $2: the text of the arguments.
program() {
  local name text=$2 file
  without_quotes "$1"
  file=$R
  name=${R##*[\\/]}
  upper "$name"
  name=${R%.EXE}
  if package_path "$file"; then
    package_file "$R" "$1" "$text"
    return
  fi
  case $name in
    PYTHON | PYTHON3 | PYTHONW | PYTHON[23].[0-9] | PYTHON[23].[0-9][0-9] | PY)
      # The launcher's choice of a version is the image's.
      case $text in \ -[23] | \ -[23]\ * | \ -[23].[0-9]*) text=${text# -}; text=${text#"${text%%[ ]*}"} ;; esac
      run_text "$text" python3
      ;;
    PIP | PIP3 | PIP3.[0-9] | PIP3.[0-9][0-9]) pip "$text" ;;
    PHP | PHP-CGI) run_text "$text" php ;;
    NODE | NPM | NPX | DOTNET | JAVA | JAVAW | CURL | GIT | AZCOPY | NPM.CMD | NPX.CMD)
      name=$(printf %s "${name%.CMD}" | tr ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz)
      run_text "$text" "${name%w}"
      ;;
    POWERSHELL | PWSH) power_shell "$text" ;;
    *)
      path "$file"
      case $R in
        */*) ;;
        *) file=$R; if [ -x "./$R" ] && [ -f "./$R" ]; then R=./$R; fi ;;
      esac
      case $R in *.[eE][xX][eE]) command -v "$R" >/dev/null 2>&1 || R=${R%.*} ;; esac
      if command -v "$R" >/dev/null 2>&1 && [ ! -d "$R" ]; then run_text "$text" "$R"; else unknown "$file"; fi
      ;;
  esac
}

# Runs pip. What it installs goes to a place that the job may write, where python finds it.
pip() {
  if [ -z "${PYTHONUSERBASE-}" ] && [ -z "${VIRTUAL_ENV-}" ] && [ "$(id -u)" -ne 0 ]; then
    PYTHONUSERBASE=${HOME:-/nonexistent}/.local
    mkdir -p "$PYTHONUSERBASE" 2>/dev/null && [ -w "$PYTHONUSERBASE" ] || PYTHONUSERBASE=${TEMP:-/tmp}/.local
    export PYTHONUSERBASE PIP_USER=1
  fi
  export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
  run_text "$1" python3 -m pip
}

# Runs PowerShell, without those options that only Windows has.
power_shell() {
  local rest=$1 word
  set -- pwsh -NoLogo
  while next_argument; do
    upper "$word"
    case $R in
      -EX | -EXEC | -EXECUTIONPOLICY | -EP | -WINDOWSTYLE | -W | -VERSION | -PSCONSOLEFILE) next_argument || : ;;
      -NOLOGO | -STA | -MTA | -SETA) ;;
      -F | -FI | -FIL | -FILE)
        next_argument || :
        path "$word"
        set -- "$@" -File "$R"
        break
        ;;
      -C | -COMMAND)
        set -- "$@" -Command
        break
        ;;
      -*) set -- "$@" "$word" ;;
      *.PS1)
        path "$word"
        set -- "$@" -File "$R"
        break
        ;;
      *)
        set -- "$@" -Command "$word"
        break
        ;;
    esac
  done
  while next_argument; do set -- "$@" "$word"; done
  run "$@"
}

# Sets R to the path below the package of a file that cmd would start; fails when there is none.
package_path() {
  local name=$1 ending
  for ending in '' .com .exe .bat .cmd; do
    path "$name$ending"
    [ -f "$R" ] || continue
    case $R in *.[cC][oO][mM] | *.[eE][xX][eE] | *.[bB][aA][tT] | *.[cC][mM][dD] | *.[dD][lL][lL]) ;; *) continue ;; esac
    case $R in /*) ;; *) whole_path "$R" ;; esac
    case $R in
      "$root"/*) R=${R#"$root"/}; return 0 ;;
    esac
  done
  R=
  return 1
}

# Runs a program with its arguments, all in one text.
program_text() {
  local rest=$1 word
  next_word || { leave 0; return; }
  program "$word" "$rest"
}
