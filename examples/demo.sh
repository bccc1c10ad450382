#!/usr/bin/env bash
# The main job, as somebody who leaves App Service does it: a zip, curl, and Kudu's URLs.
# `make up` wrote .local/env, which says where the site is.
set -euo pipefail
cd "$(dirname "$0")/.."
set -a; source .local/env; set +a
export PATH="$PWD/.venv/bin:$PATH"

step() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
show() { printf '\033[2m$ %s\033[0m\n' "$*"; "$@"; }
# The credentials go through a file: a command line can be read by everybody on the machine.
secret=$(mktemp); trap 'rm -rf "$secret" "${work:-}"' EXIT
printf 'user = "%s:%s"\n' "$WEBJOBS_USER" "$WEBJOBS_PASSWORD" > "$secret"
call() { printf '\033[2m$ curl -u ... %s\033[0m\n' "${*: -1}" >&2; curl -sS --fail-with-body -K "$secret" "$@"; }
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]] or "")' "$1"; }

# On a slow line images take minutes: what the pods of a job wait for is told, so that it does not look stuck.
waiting() {
  kubectl get pods --namespace "$WEBJOBS_SITE" --selector "webjobs.dev/webjob=$1" --no-headers | sed 's/^/  /'
  kubectl get events --namespace "$WEBJOBS_SITE" --field-selector reason=Pulling \
    --output 'jsonpath={range .items[*]}{.message}{"\n"}{end}' | tail -n 1 | sed 's/^/  /'
}

step "Jobs as Kubernetes objects: on demand, on a schedule, and a worker that is always one"
show kubectl apply --namespace "$WEBJOBS_SITE" -f examples/
for n in $(seq 40); do
  show kubectl wait --namespace "$WEBJOBS_SITE" --for=condition=Ready webjob/worker-singleton --timeout=15s && break
  waiting worker-singleton
  [ "$n" != 40 ]
done

step "The same from a zip, by Kudu's REST API: upload"
work=$(mktemp -d)
mkdir "$work/inner"
cat > "$work/inner/run.sh" <<'JOB'
echo "hello from $WEBJOBS_NAME, run $WEBJOBS_RUN_ID"
for argument in "$@"; do echo "argument: [$argument]"; done
sleep 3
JOB
python3 -c 'import shutil, sys; shutil.make_archive(sys.argv[1] + "/job", "zip", sys.argv[1], "inner")' "$work"
call -X PUT -H 'Content-Type: application/zip' -H 'Content-Disposition: attachment; filename=job.zip' \
  --data-binary "@$work/job.zip" "$WEBJOBS_URL/api/triggeredwebjobs/demo"; echo

step "Run it with two arguments"
location=$(call -X POST -D - -o /dev/null -G --data-urlencode 'arguments="first arg" "second arg"' \
  "$WEBJOBS_URL/api/triggeredwebjobs/demo/run" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
echo "202, Location: $location"
echo "and a second time, while it runs:"
curl -sS -K "$secret" -X POST -w ' (%{http_code})\n' "$WEBJOBS_URL/api/triggeredwebjobs/demo/run"

step "Follow it"
for n in $(seq 1200); do
  run=$(curl -sS -K "$secret" "$location"); status=$(field status <<< "$run")
  [ "$status" = "${before:-}" ] || echo "$(date +%T) $status"
  before=$status
  case $status in Success|Failed|Aborted) break ;; esac
  if [ "$status" = Initializing ] && [ $((n % 30)) = 0 ]; then waiting demo; fi
  sleep 0.5
done

step "History"
call "$WEBJOBS_URL/api/triggeredwebjobs/demo/history"; echo
step "Log"
call "$(field output_url <<< "$run")"
[ "$status" = Success ]

step "All of it, as Kubernetes sees it"
show kubectl get --namespace "$WEBJOBS_SITE" wj,wjr

step "All of it in a browser"
# The password stays in the file: what is on a screen is soon in somebody's log.
echo "$WEBJOBS_URL/ui/   (user $WEBJOBS_USER; the password is WEBJOBS_PASSWORD in .local/env)"

cat <<'END'

Go on:
  set -a; source .local/env; set +a                                  # KUBECONFIG, WEBJOBS_URL, WEBJOBS_USER ...
  kubectl create -n "$WEBJOBS_SITE" -f examples/runs/hello-run.yaml   # run a job with kubectl (or .venv/bin/kubectl)
  curl -u "$WEBJOBS_USER:$WEBJOBS_PASSWORD" "$WEBJOBS_URL/api/webjobs"
  make down                                                           # stop the cluster and remove its state
END
