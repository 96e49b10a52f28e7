// The conversation on the page: sends words and buttons to the chat API and
// shows what comes back. Everything is shown as text, never as markup.
"use strict";

const KEY = "iastm-chat-token";
const log = document.getElementById("log");
const typing = document.getElementById("typing");
const live = document.getElementById("live");
const problem = document.getElementById("problem");
const form = document.getElementById("compose");
const text = document.getElementById("text");

const titles = JSON.parse(document.querySelector(".chat").dataset.titles);

let token = null;
let busy = false;
// counts conversations: an answer that arrives after a restart belongs to the one before
let conversation = 0;

// Storage may be switched off; the conversation then lasts as long as the page.
const store = {
  get() { try { return localStorage.getItem(KEY); } catch { return null; } },
  set(value) { try { localStorage.setItem(KEY, value); } catch { /* lasts as long as the page */ } },
  clear() { try { localStorage.removeItem(KEY); } catch { /* nothing was kept */ } },
};

async function call(method, path, body, key) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw Object.assign(new Error("There is no connection. Check your network and send it again."), { retry: true });
  }
  const content = await response.json().catch(() => ({}));
  if (!response.ok) {
    const message = content.detail || "Something went wrong. Please try again in a moment.";
    throw Object.assign(new Error(message), { status: response.status, retry: response.status >= 500 });
  }
  return content;
}

function element(tag, className, content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (content) node.textContent = content;
  return node;
}

const SPEAKER = { client: "You", therapist: "The therapist", assistant: "Assistant" };

function show(message) {
  if (message.from === "client") retireButtons();
  const item = element("li", `message from-${message.from} kind-${message.kind}`);
  item.append(element("span", "speaker", SPEAKER[message.from]));
  item.append(element("p", "text", message.text));
  if (message.sources.length) {
    const names = message.sources.map((id) => titles[id] || id).join(", ");
    item.append(element("p", "source", `From the handout: ${names}`));
  }
  if (message.case) item.append(element("p", "source", `Case ${message.case}`));
  if (message.kind === "emergency") item.append(callLink());
  if (message.decision?.token) {
    const link = bookingLink(message.decision.token);
    if (link) item.append(link);
  }
  if (message.buttons.length) {
    const group = element("div", "choices");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Suggested replies");
    for (const { title, payload } of message.buttons) {
      const button = element("button", "choice", title);
      button.type = "button";
      button.addEventListener("click", () => {
        button.classList.add("chosen");
        send({ payload }, title);
      });
      group.append(button);
    }
    item.append(group);
  }
  log.append(item);
  log.scrollTop = log.scrollHeight;
}

function callLink() {
  const number = document.querySelector(".chat").dataset.emergency;
  const link = element("a", "call", `Call ${number}`);
  link.href = `tel:${number}`;
  return link;
}

// A client who may book goes on to the practice's booking page with the token that opens it.
function bookingLink(bookingToken) {
  const address = document.querySelector(".chat").dataset.booking;
  if (!address) return null;
  const target = new URL(address);
  target.searchParams.set("token", bookingToken);
  const link = element("a", "call book", "Book your session");
  link.href = target.href;
  return link;
}

// A choice stays readable once the client has gone on, but cannot be taken again.
function retireButtons() {
  for (const button of log.querySelectorAll("button.choice:not([disabled])")) button.disabled = true;
}

function setBusy(value) {
  busy = value;
  typing.hidden = !value;
}

function tell(error) {
  problem.textContent = error ? error.message : "";
  problem.hidden = !error;
}

async function send(body, shown) {
  if (busy) return;
  tell(null);
  const at = new Date().toISOString();
  show({ from: "client", at, text: shown, kind: "notice", sources: [], buttons: [], case: null });
  setBusy(true);
  const key = newKey();
  const mine = conversation;
  try {
    // a lost answer is asked for again under the same key, so nothing is said twice
    const { messages } = await attempt(() => call("POST", "/chat/messages", body, key));
    if (mine !== conversation) return;
    setBusy(false);
    messages.forEach(show);
    live.textContent = messages.map((message) => message.text).join(" ");
  } catch (error) {
    if (mine !== conversation) return;
    setBusy(false);
    tell(error);
    if (error.status === 401 || error.status === 404) await begin();
    else if (body.text && !text.value) text.value = body.text;
  }
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

async function attempt(work, left = 2) {
  try {
    return await work();
  } catch (error) {
    if (!error.retry || left === 0) throw error;
    await new Promise((resume) => setTimeout(resume, 1500));
    return attempt(work, left - 1);
  }
}

async function begin() {
  conversation += 1;
  const mine = conversation;
  store.clear();
  setBusy(true);
  log.replaceChildren();
  try {
    const { token: fresh, messages } = await attempt(() => call("POST", "/chat/sessions", {}), 20);
    if (mine !== conversation) return;
    token = fresh;
    store.set(token);
    messages.forEach(show);
  } finally {
    if (mine === conversation) setBusy(false);
  }
}

async function resume() {
  token = store.get();
  if (token) {
    try {
      const { messages } = await attempt(() => call("GET", "/chat/history"), 20);
      messages.forEach(show);
      return;
    } catch (error) {
      if (![401, 404].includes(error.status)) throw error;
    }
  }
  await begin();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words || busy) return;
  text.value = "";
  send({ text: words }, words);
});

text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

document.getElementById("restart").addEventListener("click", () => {
  tell(null);
  begin().catch(tell);
  text.focus();
});

resume().catch(tell);
