// What a host page embeds with one line: the button that opens the chat, and how many messages wait behind it.
// Everything else is loaded when a client first opens it. Plain DOM and adopted style sheets only, so that it
// stays small and a strict Content Security Policy (trusted types too) has nothing to object to.
import styles from "./loader.css";
import { launcher as en } from "./strings/en";
import type { Launcher } from "./strings/en";
import { launcher as es } from "./strings/es";

interface ChatElement extends HTMLElement {
  base: string;
  storeName: string;
  open: boolean;
  updateComplete: Promise<unknown>;
  focusInside(): void;
  ask(text: string): void;
}

const LANGUAGES: Readonly<Record<string, Launcher>> = { en, es };
const POLL_MS = 30_000;
// what a page may say about it on the script's own tag: data-theme, data-position and so on
const ATTRIBUTES = ["lang", "theme", "position", "dir"] as const;
const BUBBLE = "M20 11.5a7.5 7.5 0 01-7.5 7.5c-1.3 0-2.6-.3-3.7-.9L4 19.5l1.4-4.8A7.5 7.5 0 1120 11.5z";
const CROSS = "M6 6l12 12M18 6L6 18";

const script = document.currentScript as HTMLScriptElement | null;
const base = script ? new URL(".", script.src).href : `${location.origin}/`;

class Assistant extends HTMLElement {
  private readonly root = this.attachShadow({ mode: "open" });
  private readonly button = document.createElement("button");
  private readonly drawing = document.createElementNS("http://www.w3.org/2000/svg", "path");
  private readonly label = document.createElement("span");
  private readonly waiting = document.createElement("span");
  private readonly badge = document.createElement("span");
  private readonly problem = document.createElement("p");
  private words: Launcher = en;
  private chat: ChatElement | null = null;
  private loading: Promise<ChatElement> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private count = 0;
  private drawn = false;

  connectedCallback(): void {
    if (!this.drawn) this.draw();
    document.addEventListener("click", this.onPageClick);
    document.addEventListener("visibilitychange", this.look);
    if (kept(sessionStorage_, "open") && matchMedia("(min-width: 48em) and (min-height: 36em)").matches) void this.show(false);
    else this.look();
  }

  disconnectedCallback(): void {
    document.removeEventListener("click", this.onPageClick);
    document.removeEventListener("visibilitychange", this.look);
    clearTimeout(this.timer);
  }

  /** Open the chat; `text` is said at once, as if the client had typed it. */
  async show(focus = true, text = ""): Promise<void> {
    this.problem.hidden = true;
    this.button.setAttribute("aria-busy", "true");
    try {
      const chat = await this.load();
      chat.open = true;
      this.toggleAttribute("open", true);
      keep(sessionStorage_, "open", "1");
      this.update(0);
      await chat.updateComplete;
      if (focus) chat.focusInside();
      if (text) chat.ask(text);
    } catch {
      this.loading = null;
      this.problem.textContent = this.words.failed;
      this.problem.hidden = false;
    } finally {
      this.button.removeAttribute("aria-busy");
    }
  }

  /** Close the chat; the conversation goes on. */
  hide(): void {
    if (this.chat) this.chat.open = false;
    this.toggleAttribute("open", false);
    keep(sessionStorage_, "open", "");
    this.update(this.count);
    this.button.focus();
  }

  private draw(): void {
    this.drawn = true;
    for (const name of ATTRIBUTES) {
      const said = script?.dataset[name];
      if (said && !this.hasAttribute(name)) this.setAttribute(name, said);
    }
    if (!this.lang) this.lang = document.documentElement.lang || "en";
    // the page's own direction is not inherited through the reset
    if (!this.hasAttribute("dir")) this.dir = getComputedStyle(document.documentElement).direction;
    this.words = LANGUAGES[this.lang.toLowerCase().split("-")[0] ?? ""] ?? en;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    this.root.adoptedStyleSheets = [sheet];
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({
      viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2",
      "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
    })) svg.setAttribute(name, value);
    svg.append(this.drawing);
    this.button.type = "button";
    this.button.className = "launcher";
    this.label.className = "words";
    this.badge.className = "badge";
    this.badge.setAttribute("aria-hidden", "true");
    this.problem.className = "problem";
    this.problem.setAttribute("role", "alert");
    this.problem.hidden = true;
    this.waiting.className = "hidden";
    this.button.append(svg, this.label, this.badge, this.waiting);
    this.button.addEventListener("click", () => (this.hasAttribute("open") ? this.hide() : void this.show()));
    // whoever points at the button is about to press it
    for (const sign of ["pointerenter", "focus"]) this.button.addEventListener(sign, () => void this.fetchCode().catch(() => undefined), { once: true });
    this.root.append(this.problem, this.button);
    this.update(0);
  }

  private update(count: number): void {
    this.count = count;
    const open = this.hasAttribute("open");
    this.drawing.setAttribute("d", open ? CROSS : BUBBLE);
    this.badge.textContent = count > 99 ? "99+" : String(count);
    this.badge.hidden = open || count === 0;
    this.button.setAttribute("aria-expanded", String(open));
    // the name is what stands in the button, for who reads it and who hears it
    this.label.textContent = open ? this.words.close : this.words.open;
    this.waiting.textContent = count && !open ? this.words.unread(count) : "";
  }

  private fetchCode(): Promise<unknown> {
    return Promise.all(CHAT_FILES.map((file) => import(`${base}widget/${file}`)));
  }

  private load(): Promise<ChatElement> {
    this.loading ??= this.fetchCode().then(() => {
      const chat = document.createElement("iastm-chat") as ChatElement;
      chat.base = base;
      chat.storeName = PREFIX;
      for (const name of ATTRIBUTES) chat.setAttribute(name, this.getAttribute(name) ?? "");
      chat.addEventListener("assistant-close", () => this.hide());
      chat.addEventListener("assistant-unread", (event) => this.update((event as CustomEvent<number>).detail));
      clearTimeout(this.timer);
      this.chat = chat;
      this.root.append(chat);
      return chat;
    });
    return this.loading;
  }

  // a link or button of the host page opens the chat: data-assistant-open, with words to begin with or none
  private readonly onPageClick = (event: MouseEvent): void => {
    const opener = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-assistant-open]") : null;
    if (!opener) return;
    event.preventDefault();
    void this.show(true, opener.dataset["assistantOpen"]);
  };

  /** Before the chat is loaded: see now and then whether somebody has written. */
  private readonly look = async (): Promise<void> => {
    clearTimeout(this.timer);
    const token = kept(localStorage_, "token");
    if (this.chat || document.visibilityState !== "visible") return;
    if (token) {
      try {
        const response = await fetch(`${base}chat/history`, { headers: { Authorization: `Bearer ${token}` }, credentials: "omit" });
        const { messages } = (await response.json()) as { messages: { id: string; from: string }[] };
        const seen = messages.findIndex((message) => message.id === kept(localStorage_, "seen"));
        if (!this.chat) this.update(messages.slice(seen + 1).filter((message) => message.from !== "client").length);
      } catch {
        // nobody has opened anything: the next look may find the server again
      }
    }
    this.timer = setTimeout(this.look, POLL_MS);
  };
}

const PREFIX = `iastm-assistant:${base}:`;
const localStorage_ = (): Storage => localStorage;
const sessionStorage_ = (): Storage => sessionStorage;

// storage may be switched off: reading the property alone throws then
function kept(area: () => Storage, name: string): string | null {
  try {
    return area().getItem(PREFIX + name);
  } catch {
    return null;
  }
}

function keep(area: () => Storage, name: string, value: string): void {
  try {
    area().setItem(PREFIX + name, value);
  } catch {
    // then the chat starts closed on the next page
  }
}

if (!customElements.get("iastm-assistant")) {
  customElements.define("iastm-assistant", Assistant);
  const ready = (): void => {
    if (!document.querySelector("iastm-assistant")) document.body.append(document.createElement("iastm-assistant"));
  };
  if (document.body) ready();
  else document.addEventListener("DOMContentLoaded", ready);
}
