"""Objects of Kudu's API (docs/kudu-contract.md, section 2) as text, key by key in its order."""

from __future__ import annotations


def run(job: str, *, identifier: str, status: str, trigger: str, of: int = 1) -> str:
    """An ended run (docs/kudu-contract.md, section 2.3). ``of`` numbers its placeholders."""
    url = f"<base>/vfs/data/jobs/triggered/{job}/{identifier}/output_log.txt"
    return (
        f'{{"id":"{identifier}","name":"{identifier}","status":"{status}","start_time":"<time {2 * of - 1}>",'
        f'"end_time":"<time {2 * of}>","duration":"<duration {of}>","output_url":"{url}","error_url":null,'
        f'"url":"<base>/api/triggeredwebjobs/{job}/history/{identifier}","job_name":"{job}","trigger":"{trigger}"}}'
    )


def triggered(
    name: str, *, command: str = "run.sh", settings: str = "{}", latest: str = "null", planned: bool = False
) -> str:
    """A triggered job (docs/kudu-contract.md, section 2.1), ``planned``: with a schedule.

    ``runCommand`` is the wiki's addition (docs/rest.md).
    """
    scheduler = f'"<base>/vfs/data/jobs/triggered/{name}/job_scheduler.log"' if planned else "null"
    return (
        f'{{"latest_run":{latest},"history_url":"<base>/api/triggeredwebjobs/{name}/history",'
        f'"scheduler_logs_url":{scheduler},{_common("triggered", name, command=command, settings=settings)}'
    )


def continuous(
    name: str,
    *,
    status: str = "Initializing",
    detailed: str = "<instance> - Initializing",
    command: str = "run.sh",
    settings: str = "{}",
) -> str:
    """A continuous job (docs/kudu-contract.md, section 2.2), by default one that is new."""
    return (
        f'{{"status":"{status}","detailed_status":"{detailed}",'
        f'"log_url":"<base>/vfs/data/jobs/continuous/{name}/job_log.txt",'
        f"{_common('continuous', name, command=command, settings=settings)}"
    )


def _common(kind: str, name: str, *, command: str, settings: str) -> str:
    return (
        f'"name":"{name}","run_command":"{command}","url":"<base>/api/{kind}webjobs/{name}",'
        f'"extra_info_url":"<base>/azurejobs/#/jobs/{kind}/{name}","type":"{kind}","error":null,"using_sdk":false,'
        f'"settings":{settings},"runCommand":"{command}"}}'
    )


def unrouted(url: str) -> str:
    """What the catch-all says (docs/kudu-contract.md, section 1.2)."""
    return f"\"No route registered for '{url}'\""


def message(text: str) -> str:
    """An HttpError object that has only what is for people (docs/kudu-contract.md, section 1.3)."""
    return f'{{"Message":"{text}"}}'


def not_found(path: str) -> str:
    """VFS of what is not there (docs/kudu-contract.md, section 1.5)."""
    return message(f"'/home/{path}' not found.")


def entry(folder: str, name: str, *, at: str, size: int = 0, mime: str = "", of: int = 1, query: str = "") -> str:
    """A line of a folder's list (docs/kudu-contract.md, section 1.5); a folder when there is no ``mime``.

    ``at``: the URL that was asked.
    """
    slash = "" if mime else "/"
    return (
        f'{{"name":"{name}","size":{size},"mtime":"<stamp {2 * of - 1}>","crtime":"<stamp {2 * of}>",'
        f'"mime":"{mime or "inode/directory"}","href":"<base>{at}{name}{slash}{query}","path":"/home/{folder}{name}"}}'
    )


def log(*lines: str) -> str:
    """Lines of a log (docs/kudu-contract.md, section 8), each its level as it is written and its text."""
    return "".join(
        f"[<log time {at}> > <instance>: {level}] {text}\r\n"
        for at, (level, _, text) in enumerate((line.partition("|") for line in lines), 1)
    )
