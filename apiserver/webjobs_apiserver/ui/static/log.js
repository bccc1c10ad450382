"use strict";
// Logs can be read without this script. It stays at the end of a log that grows, and keeps the page small meanwhile.
(() => {
  const MOST = 10000; // lines in the page while it follows
  const NEAR = 40; // pixels from the end that still count as the end
  const box = document.getElementById("log");
  if (!box) return;
  const tail = document.getElementById("tail");
  const button = document.querySelector("[data-follow]");
  const state = document.querySelector("[data-state]");
  const count = document.querySelector("[data-lines]");
  let following = false;
  let last = 0; // where the box was scrolled to
  let below = null; // pixels below the top of the box, before earlier lines come

  const isAtEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;

  function follow(on) {
    following = on;
    button?.setAttribute("aria-pressed", String(on));
    if (on) toEnd();
  }

  function toEnd(again = 2) {
    box.scrollTop = box.scrollHeight;
    last = box.scrollTop;
    if (!again) return;
    // Lines that come into sight are laid out now, and can be higher than was thought.
    requestAnimationFrame(() => {
      if (box.scrollTop >= last) toEnd(again - 1);
    });
  }

  function mark(number) {
    const line = document.getElementById(`L${number}`);
    box.querySelectorAll(".log-line.at").forEach((one) => one.classList.remove("at"));
    if (!line) return false;
    line.classList.add("at");
    line.scrollIntoView({ block: "center" });
    return true;
  }

  // Takes the oldest lines out of the page: a link leads to them.
  function trim() {
    let lines = box.querySelectorAll(".log-line").length;
    let first = box.querySelector(".chunk");
    if (lines <= MOST || !following) return;
    while (first && lines - first.childElementCount >= MOST) {
      lines -= first.childElementCount;
      first.remove();
      first = box.querySelector(".chunk");
    }
    const number = Number(first.firstElementChild.id.slice(1));
    document.getElementById("earlier")?.remove();
    const link = document.createElement("a");
    link.id = link.className = "earlier";
    link.href = `?to=${number - 1}`;
    link.textContent = "Earlier lines";
    box.prepend(link);
  }

  box.addEventListener("scroll", () => {
    if (tail && box.scrollTop < last - 2 && !isAtEnd()) follow(false);
    else if (tail && !following && isAtEnd()) follow(true);
    last = box.scrollTop;
  });
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => follow(!following));
  }

  box.addEventListener("click", (event) => {
    const link = event.target.closest(".number");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.replaceState(null, "", link.href);
    follow(false);
    mark(link.textContent);
  });

  document.addEventListener("htmx:before:swap", (event) => {
    if (event.target.id === "earlier") below = box.scrollHeight - box.scrollTop;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (below !== null) {
      box.scrollTop = box.scrollHeight - below;
      last = box.scrollTop;
      below = null;
    }
    if (tail?.lastElementChild) {
      box.querySelector("[data-nothing]")?.remove();
      const number = Number(tail.lastElementChild.lastElementChild?.id.slice(1));
      if (count && number) count.textContent = number.toLocaleString("en");
      if (following) {
        trim();
        toEnd();
      }
    }
  });

  const tell = (text) => { if (state) state.textContent = text; };
  if (tail) {
    tail.addEventListener("htmx:sse:error", () => tell("The connection broke. Trying again."));
    tail.addEventListener("htmx:sse:after:connection", () => tell("The run goes on."));
    tail.addEventListener("ended", () => {
      tell("The run has ended.");
      if (following) toEnd();
      if (button) button.hidden = true;
    });
  }

  // The line of the address, which may be on another page of the log. Returns whether there is one.
  function jump() {
    const asked = /^#L(\d+)$/.exec(location.hash);
    if (!asked) return false;
    const there = new URLSearchParams(location.search).get("at") === asked[1];
    follow(false);
    if (!mark(asked[1]) && !there) location.replace(`${location.pathname}?at=${asked[1]}${location.hash}`);
    return true;
  }

  window.addEventListener("hashchange", jump);
  if (jump()) return;
  if (tail) follow(true);
  else if (!location.search) toEnd();
})();
