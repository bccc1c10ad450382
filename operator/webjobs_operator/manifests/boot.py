"""The shell text that starts a job's script: process 1 of its container, the script is its child.

It needs a POSIX shell with the usual small tools (``date``, ``sleep``, ``tar``), and no program of this project.
Kubernetes' restarts, exit codes and signals stay what they are: the shell ends with the script's exit code, and passes
TERM on. Its variables begin with ``_``, so that none of the script's own environment is touched.
"""

from __future__ import annotations

from webjobs.logs.restarts import LIFE, LIVED_SECONDS
from webjobs.runs.warm_protocol import UNUSED

TERMINATION_LOG = "/dev/termination-log"
"""Path of a container's termination message."""

_UNPACK = 'tar -xf {package} -C "$WEBJOBS_PATH"\n'

# A process without a handler of TERM is no different from one that ends now. As process 1 it would have none of the
# system's own, which is why the script is a child.
_TELL = """\
_told= _child=
tell() {
  _told=1
  if [ -n "$_child" ]; then kill -TERM "$_child" 2>/dev/null || :; fi
}
"""
# With a shutdown file it gets that first, and TERM only when it has a handler: TERM would take away the time in which
# it reads the file. SigCgt is the mask of signals with a handler; TERM is 4 in the fourth digit from the right.
_TELL_WITH_NOTICE = """\
_told= _child=
tell() {
  _told=1
  [ -n "$_child" ] || return 0
  while read -r _key _mask; do
    case "$_key$_mask" in SigCgt:*[4-7c-f]???) kill -TERM "$_child" 2>/dev/null || : ;; esac
  done 2>/dev/null <"/proc/$_child/status" || :
}
"""
_CHECK = """\
trap tell TERM
cd "$WEBJOBS_PATH/$0"
command -v "$1" >/dev/null 2>&1 || {
  echo "The image has no $1: set spec.image, or image in settings.job." >&2
  exit 127
}
"""
# A shell takes the CR of a Windows line end for a part of a word, and its errors are riddles.
_LINE_ENDS = """\
case "${2:-}" in
  *.sh)
    _line=
    IFS= read -r _line <"$2" || :
    case "$_line" in
      *[[:blank:]]) ;;
      *[[:cntrl:]]) echo "$2 has Windows line ends (CRLF), which no shell takes: save it with LF." >&2 ;;
    esac
    ;;
esac
"""
# A shell lets what it starts beside itself ignore INT and QUIT, which a script's own trap can't undo. Only another
# program can: GNU's env, which most images have; a name with "=" would be a variable for it.
_SIGNALS = """\
_signals='env --default-signal=INT,QUIT --'
case "$1" in *=*) _signals= ;; esac
$_signals true 2>/dev/null || _signals=
"""
# Whoever listens by attach sends a line first. A reader of its own, because not every shell's own ``read`` can be
# interrupted; and not for ever, because attaching may be forbidden.
_LISTEN = """\
exec 3<&0
head -n 1 <&3 >/dev/null 2>&1 &
_reader=$!
{ sleep LISTEN_SECONDS; kill "$_reader"; } >/dev/null 2>&1 3<&- &
_timer=$!
wait "$_reader" || :
kill -KILL "$_timer" "$_reader" 2>/dev/null || :
exec 3<&- </dev/null
[ -z "$_told" ] || exit 143
"""
# Whoever reads the pipe hears the exit code, or sees its end when this container is gone without one. Only we have
# descriptor 4. The words of the line are data: fields are split at blanks, nothing else is made of them.
# A TERM that comes just before the shell sleeps in its read is not heard: that container goes at the end of its grace.
_ARM = r"""
unused() {
  echo UNUSED >TERMINATION_LOG || :
  exit 143
}
trap unused TERM
[ -z "$_told" ] || unused
exec 3<&0 </dev/null
until [ -p PIPE ]; do sleep 0.1; done
exec 4>PIPE
_line=
until [ -n "$_line" ]; do
  IFS= read -r _line <&3 || unused
  case "$_line" in "go"*" end") ;; *) _line= ;; esac
done
set -f
for _word in $_line; do
  _name=${_word%%=*} _value=${_word#*=}
  case "$_value" in
    *\\*) _value=$(printf '%b.' "$_value") _value=${_value%.} ;;
  esac
  case "$_word" in
    =*) set -- "$@" "$_value" ;;
    *=*) export "$_name=$_value" ;;
  esac
done
set +f
unset _line _word _name _value
exec 3<&-
trap tell TERM
"""
# The end of a container can cut off what it wrote last for those who are attached: they get a moment.
_SAY = """\
trap '' PIPE
echo "$_code" >&4 2>/dev/null || :
sleep 0.05 || :
"""
# Kudu waits after a short life. A life without an end (the container was killed) is taken to have ended now.
_WAIT = """\
_life="${WEBJOBS_SHUTDOWN_FILE%/*}/life"
if [ -f "$_life" ]; then
  read -r _began _ended <"$_life" || :
  _now=$(date +%s)
  : "${_began:=$_now}" "${_ended:=$_now}"
  _left=$((_ended + DELAY - _now))
  if [ $((_ended - _began)) -lt LIVED ] && [ "$_left" -gt 0 ]; then
    sleep "$_left" >/dev/null 2>&1 &
    wait $! || :
    [ -z "$_told" ] || { kill $! 2>/dev/null || :; }
  fi
fi
[ -z "$_told" ] || exit 143
_began=$(date +%s)
echo "$_began" >"$_life"
"""
# wait() comes back early when a signal is trapped; and what it said then is not the script's answer. A shell forgets
# (127) or remembers what it has told already.
_RUN = """\
$_signals "$@" </dev/null &
_child=$!
[ -z "$_told" ] || tell
MEANWHILE
while :; do
  _code=0
  wait "$_child" || _code=$?
  kill -0 "$_child" 2>/dev/null || break
done
_again=0
wait "$_child" 2>/dev/null || _again=$?
[ "$_again" = 127 ] || _code=$_again
"""
_END = """\
_ended=$(date +%s)
echo "$_began $_ended" >"$_life"
echo "MESSAGE" >>TERMINATION_LOG || :
"""
# Used CPU and written bytes of every process but the two shells: read by the shell itself, since a process for it would
# be one more. A process that comes or goes is a difference too.
_IDLE = """\
look() {
  _seen=
  for _dir in /proc/[0-9]*; do
    case "${_dir#/proc/}" in "$$" | "$_me") continue ;; esac
    _words= _written=
    read -r _words <"$_dir/stat" || continue
    while read -r _key _value; do
      [ "$_key" != wchar: ] || _written=$_value
    done <"$_dir/io" || :
    set -- ${_words##*)}
    _seen="$_seen $_dir ${12} ${13} $_written"
  done 2>/dev/null
}
watch_idle() {
  read -r _me _rest </proc/self/stat
  _quiet=0 _last=
  while sleep STEP 2>/dev/null; do
    look
    if [ "$_seen" = "$_last" ]; then _quiet=$((_quiet + STEP)); else _quiet=0 _last=$_seen; fi
    [ "$_quiet" -ge LIMIT ] || continue
    echo "Command '$*' was aborted due to no output nor CPU activity for $_quiet seconds. You can increase the \
SCM_COMMAND_IDLE_TIMEOUT app setting (or WEBJOBS_IDLE_TIMEOUT if this is a WebJob) if needed." >&2
    kill -KILL "$_child"
    break
  done
}
"""


def script(
    *,
    package: str | None,
    notice: bool = False,
    restart_delay: int | None = None,
    idle_timeout: int | None = None,
    listen_seconds: int | None = None,
    end_pipe: str | None = None,
    termination_log: str = TERMINATION_LOG,
) -> str:
    """Return the text that starts a job's script, for ``sh -euc``.

    ``$0`` is the script's directory below WEBJOBS_PATH, the words are the command line. ``package``: path of a tar to
    unpack first. ``notice``: a file tells of the end, at WEBJOBS_SHUTDOWN_FILE. ``restart_delay``: seconds to wait
    after a life of less than LIVED_SECONDS; what is known of that life is kept beside the shutdown file.
    ``idle_timeout``: a script that neither writes nor uses CPU for twice as many seconds is killed, which is when Kudu
    does it at the earliest. ``listen_seconds``: the script starts when a line comes on stdin, but not later.
    ``end_pipe``: the script starts when a line of ``webjobs.runs.warm_protocol`` comes on stdin, with what that line
    says; its exit code goes into this named pipe, which somebody else makes and reads.
    """
    waits, watched = restart_delay is not None, bool(idle_timeout)
    text = _UNPACK.format(package=package) if package else ""
    text += (_TELL_WITH_NOTICE if notice else _TELL) + _CHECK + _LINE_ENDS + _SIGNALS
    if waits:
        text += _WAIT.replace("DELAY", str(restart_delay)).replace("LIVED", str(LIVED_SECONDS))
    if listen_seconds:
        text += _LISTEN.replace("LISTEN_SECONDS", str(listen_seconds))
    if end_pipe:
        text += _ARM.replace("PIPE", end_pipe).replace("UNUSED", UNUSED).replace("TERMINATION_LOG", termination_log)
    if idle_timeout:
        step = min(max(idle_timeout // 4, 1), 10)
        text += _IDLE.replace("STEP", str(step)).replace("LIMIT", str(2 * idle_timeout))
    alone = " 4>&-" if end_pipe else ""
    watcher = f'watch_idle "$@" >/dev/null{alone} &\n_watcher=$!\n' if watched else ""
    text += _RUN.replace("MEANWHILE\n", watcher).replace("</dev/null &", f"</dev/null{alone} &")
    if waits:
        message = LIFE.format("$_began", "$_ended")
        text += _END.replace("MESSAGE", message).replace("TERMINATION_LOG", termination_log)
    if watched:
        text += 'kill -KILL "$_watcher" 2>/dev/null || :\n'
    if end_pipe:
        text += _SAY
    return text + 'exit "$_code"\n'
