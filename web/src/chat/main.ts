// The chat itself, loaded when a client opens it. Draws a Conversation; decides nothing about it.
import { LitElement, html, nothing, unsafeCSS } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import { json, request } from "../common/http";
import { icon } from "../common/icons";
import { locale, strings } from "../common/language";
import { UNKNOWN_PRACTICE, bookingAddress } from "../common/model";
import type { Decision, Message, Practice } from "../common/model";
import { Store } from "../common/store";
import theme from "../common/theme.css";
import * as english from "../strings/en";
import type { Strings } from "../strings/en";
import styles from "./chat.css";
import { Conversation } from "./conversation";
import type { Pending } from "./conversation";
import { day, messageView, pendingView, transcript } from "./view";

// where the chat covers the whole window, because beside it nothing would be readable
const SMALL = "(max-width: 30em), (max-height: 26em)";
// a booking token lives for half an hour; an older one is renewed before it is used
const TOKEN_FRESH_MS = 20 * 60_000;
const LONGEST_DRAFT = 20_000;
const NEAR_END_PX = 60;

type Asking = "restart" | "erase" | null;

export class Chat extends LitElement {
  static override styles = [unsafeCSS(theme), unsafeCSS(styles)];
  static override properties = {
    open: { type: Boolean, reflect: true },
    theme: { reflect: true },
  };

  declare open: boolean;
  declare theme: string;
  base = "";
  /** The prefix of what this browser keeps; the loader reads there too. */
  storeName = "";

  private words: Strings = english;
  private practice: Practice = UNKNOWN_PRACTICE;
  private conversation!: Conversation;
  private store!: Store;
  private readonly narrow = matchMedia(SMALL);
  /** When each booking token came. */
  private readonly tokens = new Map<string, number>();
  private pinned = true;
  private scrolled = { top: 0, height: 0 };
  private shown = 0;
  private below = false;
  private menu = false;
  private asking: Asking = null;
  private elsewhere: string | null = null;
  private notice = "";
  private alarm = "";
  private announced = "";
  private announcements = 0;
  private known: Set<string> | null = null;
  private over = 0;
  private left: number | null = null;
  private resized: ResizeObserver | null = null;

  constructor() {
    super();
    this.open = false;
    this.theme = "auto";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.store = new Store(this.storeName);
    this.conversation = new Conversation(this.base, this.store);
    this.conversation.addEventListener("change", this.onChange);
    this.narrow.addEventListener("change", this.onNarrow);
    visualViewport?.addEventListener("resize", this.onViewport);
    this.conversation.start();
    void this.prepare();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.conversation.removeEventListener("change", this.onChange);
    this.narrow.removeEventListener("change", this.onNarrow);
    visualViewport?.removeEventListener("resize", this.onViewport);
    this.resized?.disconnect();
    this.conversation.stop();
  }

  /** Say something as if the client had typed it. */
  ask(text: string): void {
    this.composer.value = text;
    this.onInput();
    this.submit();
  }

  /** Move the focus into the chat; a phone's keyboard stays away until it is asked for. */
  focusInside(): void {
    if (matchMedia("(pointer: coarse)").matches || !this.composer) this.dialog.focus();
    else this.composer.focus();
  }

  private get dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog")!;
  }

  private get composer(): HTMLTextAreaElement {
    return this.renderRoot.querySelector("textarea")!;
  }

  private get log(): HTMLElement {
    return this.renderRoot.querySelector(".log")!;
  }

  private async prepare(): Promise<void> {
    const [words, practice] = await Promise.all([
      strings(this.lang),
      request(`${this.base}widget/config.json`, {}).then((found) => json<Practice>(found), () => null),
    ]);
    this.words = words;
    if (practice) this.practice = practice;
    this.requestUpdate();
  }

  protected override firstUpdated(): void {
    this.composer.value = this.store.get("draft") ?? "";
    this.onInput();
    this.resized = new ResizeObserver(() => {
      if (this.pinned) this.toEnd("instant");
    });
    this.resized.observe(this.renderRoot.querySelector("ol")!);
    this.resized.observe(this.log);
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has("open")) this.showOrHide();
    this.follow();
  }

  private showOrHide(): void {
    const { dialog } = this;
    if (this.open === dialog.open) return;
    if (!this.open) return dialog.close();
    if (this.narrow.matches) dialog.showModal();
    else dialog.show();
    this.onViewport();
    this.scrolled = { top: 0, height: 0 };
    this.pinned = this.shown !== 1;
    if (this.pinned) this.toEnd("instant");
    this.read();
  }

  private readonly onNarrow = (): void => {
    if (!this.open) return;
    const focused = this.shadowRoot?.activeElement;
    this.dialog.close();
    this.showOrHide();
    if (focused instanceof HTMLElement) focused.focus();
  };

  private readonly onViewport = (): void => {
    // a phone's keyboard covers the window's lower part without making it smaller
    const height = visualViewport?.scale === 1 ? `${visualViewport.height}px` : "100dvh";
    this.style.setProperty("--visible-height", height);
  };

  private readonly onChange = (): void => {
    const { messages, phase } = this.conversation;
    if (phase === "expired" && this.conversation.pending.length) this.rescue(this.conversation.takeUnsent());
    const fresh = this.known === null ? [] : messages.filter((one) => !this.known?.has(one.id) && one.from !== "client");
    if (messages.length || phase === "ready") {
      // what was there before this page was opened is not news; a first greeting is
      if (this.known === null && messages.length === 1) this.announce(messages);
      this.known = new Set(messages.map((message) => message.id));
    }
    for (const { decision } of messages) {
      if (decision?.token && !this.tokens.has(decision.token)) this.tokens.set(decision.token, performance.now());
    }
    if (fresh.length) this.announce(fresh);
    if (phase === "starting") this.known = null;
    this.read();
    this.requestUpdate();
  };

  private announce(messages: readonly Message[]): void {
    const { chat } = this.words;
    const spoken = (message: Message): string => chat.says(message.from === "therapist" ? chat.therapist : chat.assistant, message.text);
    const urgent = messages.filter((message) => message.kind === "emergency");
    this.alarm = urgent.map(spoken).join(" ");
    this.announced = messages.filter((message) => message.kind !== "emergency").map(spoken).join(" ");
    this.announcements += 1;
  }

  /** Note what was read, and tell the launcher what was not. */
  private read(): void {
    const { messages } = this.conversation;
    const last = messages.at(-1);
    if (this.open && document.visibilityState === "visible" && last) this.store.set("seen", last.id);
    const count = this.open ? 0 : unread(messages, this.store.get("seen"));
    this.dispatchEvent(new CustomEvent("assistant-unread", { detail: count }));
  }

  /** Keep the latest message in view, unless the client reads further up. */
  private follow(): void {
    const { log } = this;
    const items = log.querySelectorAll<HTMLElement>("ol > li");
    const count = items.length;
    if (count <= this.shown) {
      this.shown = count;
      if (this.pinned) this.toEnd("instant");
      return;
    }
    const first = items[this.shown];
    const earlier = this.shown;
    this.shown = count;
    if (!this.pinned) {
      this.below = true;
      this.requestUpdate();
    } else if (first && earlier > 0 && log.scrollHeight - first.offsetTop > log.clientHeight) {
      // a long answer is read from its beginning
      this.pinned = false;
      log.scrollTo({ top: first.offsetTop - 12, behavior: calm() ? "instant" : "smooth" });
    } else if (count === 1) {
      // so is the greeting
      this.pinned = false;
    } else this.toEnd(earlier > 0 ? "smooth" : "instant");
  }

  private toEnd(behavior: ScrollBehavior): void {
    // messages on the way are measured only when they are drawn: the end may move while it is approached
    this.pinned = true;
    this.log.scrollTo({ top: this.log.scrollHeight, behavior: calm() ? "instant" : behavior });
  }

  private readonly onScroll = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    // going up is the reader's doing; a new size of window or messages is not
    if (scrollHeight - scrollTop - clientHeight < NEAR_END_PX) this.pinned = true;
    else if (scrollTop < this.scrolled.top && clientHeight === this.scrolled.height) this.pinned = false;
    this.scrolled = { top: scrollTop, height: clientHeight };
    if (this.pinned && this.below) {
      this.below = false;
      this.requestUpdate();
    }
  };

  private readonly onInput = (): void => {
    const { composer } = this;
    this.store.set("draft", composer.value.slice(0, LONGEST_DRAFT));
    composer.style.blockSize = "auto";
    composer.style.blockSize = `${composer.scrollHeight + 3}px`;
    const left = this.practice.longest_message - [...tidy(composer.value)].length;
    this.over = Math.max(0, -left);
    this.left = left >= 0 && left <= 200 ? left : null;
    this.notice = "";
    this.requestUpdate();
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.submit();
  };

  private readonly onDialogKey = (event: KeyboardEvent): void => {
    // keys pressed in the chat are not the host page's shortcuts
    event.stopPropagation();
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    if (this.menu) this.toggleMenu(false);
    else if (this.asking) this.prompt(null);
    else this.leave();
  };

  private readonly onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    this.submit();
  };

  private submit(): void {
    const words = tidy(this.composer.value);
    const { phase } = this.conversation;
    if (!words || this.over || phase === "expired" || phase === "erased") return;
    this.composer.value = "";
    this.onInput();
    this.pinned = true;
    this.conversation.say(words);
  }

  private press(button: { title: string; payload: string }): void {
    this.pinned = true;
    this.conversation.say(button.title, button.payload);
  }

  /** Put words that were not sent back where they can be sent again. */
  private rescue(words: string): void {
    if (!words) return;
    this.composer.value = [this.composer.value, words].filter(Boolean).join("\n");
    this.onInput();
  }

  private readonly onDrag = (event: DragEvent): void => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (event.type === "drop") this.tell(this.words.chat.noFiles);
  };

  private readonly onPaste = (event: ClipboardEvent): void => {
    if (!event.clipboardData?.files.length || event.clipboardData.getData("text")) return;
    event.preventDefault();
    this.tell(this.words.chat.noFiles);
  };

  private tell(sentence: string): void {
    this.notice = sentence;
    this.requestUpdate();
  }

  private leave(): void {
    this.dispatchEvent(new CustomEvent("assistant-close"));
  }

  private async toggleMenu(open: boolean): Promise<void> {
    this.menu = open;
    this.requestUpdate();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(open ? ".menu button" : ".more")?.focus();
    if (open && this.elsewhere === null && this.conversation.phase === "ready") {
      this.elsewhere = await this.conversation.elsewhere().catch(() => null);
      this.requestUpdate();
    }
  }

  private async prompt(asking: Asking): Promise<void> {
    this.menu = false;
    this.asking = asking;
    this.requestUpdate();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(asking ? ".asking button" : ".more")?.focus();
  }

  private async agreed(): Promise<void> {
    const asked = this.asking;
    this.asking = null;
    this.requestUpdate();
    if (asked === "restart") this.restart();
    else {
      try {
        await this.conversation.erase();
        this.composer.value = "";
        this.announced = this.words.chat.erased;
      } catch {
        this.tell(this.words.chat.noConnection);
      }
      this.requestUpdate();
    }
    await this.updateComplete;
    this.dialog.focus();
  }

  private restart(): void {
    this.notice = "";
    this.elsewhere = null;
    this.pinned = true;
    this.below = false;
    this.conversation.restart();
    this.dialog.focus();
  }

  private async save(): Promise<void> {
    await this.toggleMenu(false);
    // what this page already has is better than nothing
    const messages = await this.conversation.transcript().catch(() => this.conversation.messages);
    const text = transcript(messages, this.words.chat, this.practice, this.language);
    this.download(new Blob([text], { type: "text/plain" }), "conversation.txt");
  }

  private async saveAll(): Promise<void> {
    await this.toggleMenu(false);
    try {
      this.download(await this.conversation.everything(), "everything.json");
    } catch {
      this.tell(this.words.chat.noConnection);
    }
  }

  private download(content: Blob, name: string): void {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    this.tell(this.words.chat.saved);
  }

  private async book(event: MouseEvent, made: Decision): Promise<void> {
    const came = this.tokens.get(made.token ?? "");
    if (came !== undefined && performance.now() - came < TOKEN_FRESH_MS) return;
    event.preventDefault();
    // opened before waiting: afterwards the browser would take it for a pop-up
    const opened = window.open("", "_blank");
    let token = made.token;
    try {
      token = (await this.conversation.decision(made.id)).token;
    } catch {
      // the old one may still do; the booking site says so if not
    }
    const address = token ? bookingAddress(this.practice, token) : null;
    if (!opened || !address) {
      opened?.close();
      return this.tell(this.words.chat.failed);
    }
    opened.opener = null;
    opened.location.href = address;
  }

  /** For times and dates: a reader of English has a country, too. */
  private get language(): string {
    return locale(this.lang || "en");
  }

  protected override render(): TemplateResult {
    const { chat } = this.words;
    const { phase } = this.conversation;
    const ended = phase === "expired" || phase === "erased";
    return html`<dialog
      aria-label=${chat.title(this.practice.name)}
      tabindex="-1"
      lang=${this.lang || "en"}
      @keydown=${this.onDialogKey}
      @cancel=${(event: Event) => event.preventDefault()}
      @dragover=${this.onDrag}
      @drop=${this.onDrag}
    >
      <div class="head">
        <span class="mark">${icon("leaf")}</span>
        <div class="who">
          <h2>${this.practice.name || chat.assistant}</h2>
          <p>${this.standing() ?? chat.subtitle}</p>
        </div>
        <button type="button" class="plain more" aria-expanded=${this.menu} aria-label=${chat.options} @click=${() => this.toggleMenu(!this.menu)}>
          ${icon("more")}
        </button>
        <button type="button" class="plain" aria-label=${chat.close} @click=${() => this.leave()}>${icon("close")}</button>
        ${this.menu ? this.menuView() : nothing}
      </div>
      ${this.statusView()}
      <div class="log" role="region" aria-label=${chat.conversation} tabindex="0" @scroll=${this.onScroll}>
        <ol>
          ${this.messagesView()}
        </ol>
        ${this.conversation.typing
          ? html`<p class="typing"><span class="visually-hidden">${chat.typing}</span><i></i><i></i><i></i></p>`
          : nothing}
        ${phase === "starting" && !this.conversation.messages.length ? html`<p class="starting">${chat.starting}</p>` : nothing}
        ${phase === "erased" ? html`<div class="ended"><p class="heading">${chat.erased}</p><p>${chat.erasedText}</p></div>` : nothing}
      </div>
      ${this.below
        ? html`<button type="button" class="below" @click=${() => this.toEnd("smooth")}>${icon("down")}${chat.newBelow}</button>`
        : nothing}
      ${this.asking ? this.askingView(this.asking) : nothing}
      <p class="notice" role="alert" ?hidden=${!this.notice}>${this.notice}</p>
      ${ended
        ? html`<div class="again">
            ${phase === "expired" ? html`<p>${chat.expired}</p>` : nothing}
            <button type="button" class="primary" @click=${() => this.restart()}>${chat.restart}</button>
          </div>`
        : nothing}
      <form @submit=${this.onSubmit} ?hidden=${phase === "erased"}>
        <label class="visually-hidden" for="words">${chat.write}</label>
        <textarea
          id="words"
          rows="1"
          autocomplete="off"
          dir="auto"
          enterkeyhint="send"
          placeholder=${chat.placeholder}
          aria-describedby="limit"
          aria-invalid=${this.over > 0}
          @input=${this.onInput}
          @keydown=${this.onKey}
          @paste=${this.onPaste}
        ></textarea>
        <button type="submit" class="send" aria-label=${chat.send} aria-disabled=${this.over > 0 || ended}>${icon("send")}</button>
        <p id="limit" class=${this.over ? "over" : ""} role=${this.over ? "alert" : nothing}>
          ${this.over ? chat.tooLong(this.over) : this.left === null ? nothing : chat.left(this.left)}
        </p>
      </form>
      <div class="visually-hidden live" role="status" aria-live="polite">${repeat([this.announcements], (key) => key, () => html`<p>${this.announced}</p>`)}</div>
      <div class="visually-hidden live" role="alert">${repeat([this.announcements], (key) => key, () => html`<p>${this.alarm}</p>`)}</div>
    </dialog>`;
  }

  /** Where the client's case stands, as far as the conversation tells. */
  private standing(): string | null {
    const { messages } = this.conversation;
    const label = messages.findLast((message) => message.case)?.case;
    if (!label) return null;
    const opened = messages.findIndex((message) => message.case === label);
    const answered = messages.slice(opened).some((message) => message.from === "therapist");
    return this.words.chat[answered ? "caseAnswered" : "caseWaiting"](label);
  }

  private menuView(): TemplateResult {
    const { chat } = this.words;
    return html`<div class="menu">
      <button type="button" @click=${() => this.prompt("restart")}>${chat.restart}</button>
      <button type="button" @click=${() => this.save()}>${chat.save}</button>
      <button type="button" @click=${() => this.saveAll()}>${chat.saveAll}</button>
      ${this.elsewhere ? html`<a href=${this.elsewhere} target="_blank" rel="noopener">${chat.continueElsewhere}</a>` : nothing}
      <button type="button" @click=${() => this.prompt("erase")}>${chat.erase}</button>
    </div>`;
  }

  private askingView(asking: NonNullable<Asking>): TemplateResult {
    const { chat } = this.words;
    return html`<div class="asking" role="group" aria-labelledby="asked">
      <p id="asked">${asking === "erase" ? chat.eraseExplain : chat.restartExplain}</p>
      <div class="choices">
        <button type="button" class="choice" @click=${() => this.prompt(null)}>${chat.cancel}</button>
        <button type="button" class="primary ${asking}" @click=${() => this.agreed()}>
          ${asking === "erase" ? chat.eraseDo : chat.restartDo}
        </button>
      </div>
    </div>`;
  }

  private statusView(): TemplateResult {
    const { chat } = this.words;
    const { link, wait, lasting, phase } = this.conversation;
    let sentence = "";
    if (wait) sentence = chat.busy(wait);
    else if (link !== "online") {
      // whoever cannot be answered must not wait for us with an alarm
      const help = chat.emergencyAnyway(this.practice.emergency_number);
      sentence = `${link === "offline" ? chat.offline : chat.reconnecting} ${help}`;
    }
    else if (!lasting && phase === "ready") sentence = chat.notKept;
    const again = link === "unreachable" && !wait;
    return html`<div class="banner" role="status" ?hidden=${!sentence}>
      <p>${sentence}</p>
      ${again ? html`<button type="button" class="inline" @click=${() => this.conversation.retry()}>${chat.retry}</button>` : nothing}
    </div>`;
  }

  private messagesView(): unknown {
    const { messages, pending, link, wait } = this.conversation;
    const waiting = pending.filter((one) => !this.conversation.echoed(one));
    const lastOfClient = messages.findLastIndex((message) => message.from === "client");
    const said = pending.length > 0;
    const days = new Set<string>();
    const decided = new Set<string>();
    const items = messages.map((message, index) => {
      const current = index > lastOfClient && !said;
      const today = message.at ? day(message.at, this.language) : "";
      const divided = today && !days.has(today) ? today : "";
      if (today) days.add(today);
      const chosen = message.buttons.length && !current ? this.answerTo(index) : null;
      const continued = messages[index - 1]?.from === message.from;
      const made = message.decision?.id;
      const ruled = made !== undefined && decided.has(made);
      if (made) decided.add(made);
      return { message, current, divided, chosen, continued, ruled };
    });
    return [
      repeat(
        items,
        (item) => item.message.id,
        (item) => html`<li class="from-${item.message.from} kind-${item.message.kind} ${item.continued ? "continued" : ""}">
            ${item.divided ? html`<p class="day">${item.divided}</p>` : nothing}
            ${guard([item.message, item.current, item.chosen, item.continued, this.words, this.practice], () =>
              messageView(item.message, {
                ...item,
                words: this.words,
                practice: this.practice,
                language: this.language,
                press: (button) => this.press(button),
                book: (event, made) => void this.book(event, made),
              }),
            )}
          </li>`,
      ),
      repeat(
        waiting,
        (one) => one.key,
        (one) => html`<li class="from-client pending">
          ${pendingView(one, link !== "online" || wait > 0, this.words.chat, (said) => this.edit(said), (said) => this.conversation.remove(said.key))}
        </li>`,
      ),
    ];
  }

  /** What the client said after a message: the button that was pressed, or other words. */
  private answerTo(index: number): string | null {
    const { messages, pending } = this.conversation;
    return messages.slice(index + 1).find((next) => next.from === "client")?.text ?? pending[0]?.text ?? null;
  }

  private edit(said: Pending): void {
    this.conversation.remove(said.key);
    this.rescue(said.text);
    this.composer.focus();
  }
}

function calm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** `words` as the server keeps them: one line, no control characters. */
function tidy(words: string): string {
  return words
    .replace(/[\r\n\t]/g, " ")
    .replace(/[\p{Cc}\p{Cs}]/gu, "")
    .trim();
}

/** How many messages came after the one that was `seen` last. */
function unread(messages: readonly Message[], seen: string | null): number {
  const index = messages.findIndex((message) => message.id === seen);
  return messages.slice(index + 1).filter((message) => message.from !== "client").length;
}

if (!customElements.get("iastm-chat")) customElements.define("iastm-chat", Chat);
