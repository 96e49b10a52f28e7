// Keeps a page of the desk up to date without touching what is being typed or where the
// focus is. Every page works without it.
"use strict";

const REFRESH = "X-Desk-Refresh";
const version = document.body.dataset.version;
let shown = version;
let wanted = version;
let busy = false;

// Takes the parts marked `data-live` of the page as it would look now.
async function refresh() {
  if (busy || shown === wanted) return;
  busy = true;
  const aim = wanted;
  try {
    const response = await fetch(location.href, { headers: { [REFRESH]: document.visibilityState } });
    if (response.status === 401) return location.reload();
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) replace(part, fresh.getElementById(part.id));
    document.title = fresh.title;
    announce(fresh.getElementById("live-note")?.textContent ?? "");
    shown = aim;
  } catch {
    // no connection: the stream says so, and comes back by itself
  } finally {
    busy = false;
  }
  if (shown !== wanted && shown === aim) refresh();
}

function replace(part, fresh) {
  if (!fresh || fresh.innerHTML === part.innerHTML) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
  part.replaceChildren(...fresh.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function announce(text) {
  const note = document.getElementById("live-note");
  if (note && note.textContent.trim() !== text.trim()) note.textContent = text;
}

let stream = null;

function listen() {
  if (stream) return;
  const connection = document.getElementById("connection");
  stream = new EventSource("/desk/events");
  stream.addEventListener("open", () => { connection.textContent = ""; });
  stream.addEventListener("error", () => {
    connection.textContent = "Not connected. This page may be out of date.";
    // refused, not broken off: the log-in has ended (then the refresh finds out), or the server is starting
    if (stream?.readyState === EventSource.CLOSED) {
      hush();
      shown = "";
      refresh();
      setTimeout(listen, 10_000);
    }
  });
  stream.addEventListener("changed", (event) => { wanted = event.data; refresh(); });
  stream.addEventListener("closed", () => location.reload());
}

function hush() {
  stream?.close();
  stream = null;
}

function follow() {
  listen();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      listen();
      // what was only fetched in the background has now been seen
      shown = "";
      refresh();
    } else if (location.pathname !== "/desk/") {
      // a browser opens six connections to a server: only the list, whose title counts, keeps one in the background
      hush();
    }
  });
  addEventListener("pagehide", hush);
  // a page that comes back from the browser's memory may be from before the log-out
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

function readyMade() {
  const text = document.getElementById("reply");
  for (const link of document.querySelectorAll("[data-canned]")) {
    link.addEventListener("click", (event) => {
      if (!text) return;
      event.preventDefault();
      const before = text.value.trimEnd();
      text.value = (before ? `${before}\n\n` : "") + link.dataset.canned;
      document.getElementById("canned")?.removeAttribute("open");
      text.focus();
      text.dispatchEvent(new Event("input"));
    });
  }
  const left = document.getElementById("length");
  text?.addEventListener("input", () => {
    const limit = Number(text.dataset.limit);
    // characters as the server counts them
    const over = [...text.value].length - limit;
    left.hidden = over <= -200;
    left.textContent = over > 0 ? `${over} characters too many.` : `${-over} characters left.`;
  });
}

if (version) follow();
readyMade();
