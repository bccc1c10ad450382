"use strict";
// Pages can be read and used without this script. It shows times in the reader's own way and keeps a form from being
// sent twice.
(() => {
  const ZONE = "webjobs-zone";
  const button = document.querySelector("[data-zone]");
  let local = localStorage.getItem(ZONE) === "local";
  const clock = (utc) => new Intl.DateTimeFormat("en-GB", {
    dateStyle: "medium", timeStyle: "medium", ...(utc ? { timeZone: "UTC" } : {}),
  });
  const clocks = { true: clock(false), false: clock(true) };
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

  function distance(milliseconds) {
    const seconds = Math.round(Math.abs(milliseconds) / 1000);
    const [size, name] = units.find(([size]) => seconds >= size) || [1, "s"];
    const text = `${Math.floor(seconds / size)} ${name}`;
    return milliseconds < 0 ? `in ${text}` : `${text} ago`;
  }

  function show(element) {
    const when = new Date(element.dateTime);
    const full = `${clocks[local].format(when)}${local ? "" : " UTC"}`;
    const text = element.dataset.full === undefined ? distance(Date.now() - when) : full;
    if (element.textContent !== text) element.textContent = text;
    if (element.title !== full) element.title = full;
  }

  function showAll() {
    document.querySelectorAll("time").forEach(show);
  }

  if (button) {
    const label = () => { button.textContent = local ? "Local time" : "UTC"; };
    button.hidden = false;
    button.addEventListener("click", () => {
      local = !local;
      localStorage.setItem(ZONE, local ? "local" : "utc");
      label();
      showAll();
    });
    label();
  }
  showAll();
  setInterval(showAll, 1000);
  document.addEventListener("htmx:after:swap", showAll);

  // extra_info_url: /azurejobs/#/jobs/TYPE/NAME
  const moved = document.querySelector("[data-azurejobs]");
  const old = moved && /^#\/jobs\/(triggered|continuous)\/([^/]+)$/.exec(location.hash);
  if (old) {
    const name = (() => { try { return decodeURIComponent(old[2]); } catch { return old[2]; } })();
    location.replace(`${moved.dataset.azurejobs}/${old[1]}/${encodeURIComponent(name)}`);
  }

  // An upload shows how far it is, and what is told of it on the same page: the file stays chosen.
  function upload(form, button) {
    const request = new XMLHttpRequest();
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", "Upload");
    form.append(bar);
    const end = (told) => {
      bar.remove();
      delete form.dataset.sent;
      form.querySelectorAll(":scope > .notice, :scope > section").forEach((one) => one.remove());
      form.append(told);
    };
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) [bar.max, bar.value] = [event.total, event.loaded];
    });
    const notice = (text) => {
      const told = document.createElement("p");
      told.className = "notice bad";
      told.setAttribute("role", "alert");
      told.textContent = text;
      return told;
    };
    request.addEventListener("load", () => {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const told = page.querySelector(request.status === 200 ? "#told" : "#notice");
      if (told) end(document.importNode(told, true));
      else if (request.status === 200) location.assign(request.responseURL);
      else end(notice(`The upload was refused (${request.status}).`));
    });
    request.addEventListener("error", () => end(notice("The upload broke off. Nothing was changed.")));
    request.open("POST", button?.getAttribute("formaction") || form.action);
    request.send(new FormData(form));
  }

  // A file may be dropped anywhere on the form that sends it.
  document.querySelectorAll("[data-upload]").forEach((form) => {
    const over = (on) => (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      form.classList.toggle("over", on);
    };
    form.addEventListener("dragover", over(true));
    form.addEventListener("dragleave", over(false));
    form.addEventListener("drop", (event) => {
      over(false)(event);
      const field = form.querySelector("input[type=file]");
      if (event.dataTransfer?.files.length === 1) field.files = event.dataTransfer.files;
    });
  });

  // A second click sends nothing.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (event.target.matches("[data-upload]") && !event.target.dataset.sent) {
      event.preventDefault();
      upload(event.target, event.submitter);
    }
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form").forEach((form) => { delete form.dataset.sent; });
  });
})();
