"""The shell text that starts a job's script: process 1 of its container, the script is its child.

It needs a POSIX shell with the usual small tools (``date``, ``sleep``, ``tar``), and no program of this project.
Kubernetes' restarts, exit codes and signals stay what they are: the shell ends with the script's exit code, and passes
TERM on.
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
told= child=
tell() {
  told=1
  if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null || :; fi
}
"""
# With a shutdown file it gets that first, and TERM only when it has a handler: TERM would take away the time in which
# it reads the file. SigCgt is the mask of signals with a handler; TERM is 4 in the fourth digit from the right.
_TELL_WITH_NOTICE = """\
told= child=
tell() {
  told=1
  [ -n "$child" ] || return 0
  while read -r key mask; do
    case "$key$mask" in SigCgt:*[4-7c-f]???) kill -TERM "$child" 2>/dev/null || : ;; esac
  done 2>/dev/null <"/proc/$child/status" || :
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
    line=
    IFS= read -r line <"$2" || :
    case "$line" in
      *[[:blank:]]) ;;
      *[[:cntrl:]]) echo "$2 has Windows line ends (CRLF), which no shell takes: save it with LF." >&2 ;;
    esac
    ;;
esac
"""
# A shell lets what it starts beside itself ignore INT and QUIT, which a script's own trap can't undo. Only another
# program can: GNU's env, which most images have; a name with "=" would be a variable for it.
_SIGNALS = """\
signals='env --default-signal=INT,QUIT --'
case "$1" in *=*) signals= ;; esac
$signals true 2>/dev/null || signals=
"""
# Whoever listens by attach sends a line first. A reader of its own, because not every shell's own ``read`` can be
# interrupted; and not for ever, because attaching may be forbidden.
_LISTEN = """\
exec 3<&0
head -n 1 <&3 >/dev/null 2>&1 &
reader=$!
{ sleep LISTEN_SECONDS; kill "$reader"; } >/dev/null 2>&1 3<&- &
timer=$!
wait "$reader" || :
kill -KILL "$timer" "$reader" 2>/dev/null || :
exec 3<&- </dev/null
[ -z "$told" ] || exit 143
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
[ -z "$told" ] || unused
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
echo "$code" >&4 2>/dev/null || :
sleep 0.05 || :
"""
# Kudu waits after a short life. A life without an end (the container was killed) is taken to have ended now.
_WAIT = """\
life="${WEBJOBS_SHUTDOWN_FILE%/*}/life"
if [ -f "$life" ]; then
  read -r began ended <"$life" || :
  now=$(date +%s)
  : "${began:=$now}" "${ended:=$now}"
  left=$((ended + DELAY - now))
  if [ $((ended - began)) -lt LIVED ] && [ "$left" -gt 0 ]; then
    sleep "$left" >/dev/null 2>&1 &
    wait $! || :
    [ -z "$told" ] || { kill $! 2>/dev/null || :; }
  fi
fi
[ -z "$told" ] || exit 143
began=$(date +%s)
echo "$began" >"$life"
"""
# wait() comes back early when a signal is trapped; and what it said then is not the script's answer. A shell forgets
# (127) or remembers what it has told already.
_RUN = """\
$signals "$@" </dev/null &
child=$!
[ -z "$told" ] || tell
MEANWHILE
while :; do
  code=0
  wait "$child" || code=$?
  kill -0 "$child" 2>/dev/null || break
done
again=0
wait "$child" 2>/dev/null || again=$?
[ "$again" = 127 ] || code=$again
"""
_END = """\
ended=$(date +%s)
echo "$began $ended" >"$life"
echo "MESSAGE" >>TERMINATION_LOG || :
"""
# Used CPU and written bytes of every process but the two shells: read by the shell itself, since a process for it would
# be one more. A process that comes or goes is a difference too.
_IDLE = """\
look() {
  seen=
  for dir in /proc/[0-9]*; do
    case "${dir#/proc/}" in "$$" | "$me") continue ;; esac
    words= written=
    read -r words <"$dir/stat" || continue
    while read -r key value; do
      [ "$key" != wchar: ] || written=$value
    done <"$dir/io" || :
    set -- ${words##*)}
    seen="$seen $dir ${12} ${13} $written"
  done 2>/dev/null
}
watch_idle() {
  read -r me rest </proc/self/stat
  quiet=0 last=
  while sleep STEP 2>/dev/null; do
    look
    if [ "$seen" = "$last" ]; then quiet=$((quiet + STEP)); else quiet=0 last=$seen; fi
    [ "$quiet" -ge LIMIT ] || continue
    echo "Command '$*' was aborted due to no output nor CPU activity for $quiet seconds. You can increase the \
SCM_COMMAND_IDLE_TIMEOUT app setting (or WEBJOBS_IDLE_TIMEOUT if this is a WebJob) if needed." >&2
    kill -KILL "$child"
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
    watcher = f'watch_idle "$@" >/dev/null{alone} &\nwatcher=$!\n' if watched else ""
    text += _RUN.replace("MEANWHILE\n", watcher).replace("</dev/null &", f"</dev/null{alone} &")
    if waits:
        message = LIFE.format("$began", "$ended")
        text += _END.replace("MESSAGE", message).replace("TERMINATION_LOG", termination_log)
    if watched:
        text += 'kill -KILL "$watcher" 2>/dev/null || :\n'
    if end_pipe:
        text += _SAY
    return text + 'exit "$code"\n'
