// One conversation with the assistant, whatever it looks like: what was said, what still waits to be sent, and
// the state of the connection. Words are written down before they are sent and carry a key, so that they survive
// a reload, a dead network and a restarted server, and are never said twice. It must not know the page.
import { Failure, failure, json, pause, request, requestKey } from "../common/http";
import type { Request } from "../common/http";
import type { Decision, Message } from "../common/model";
import { Store } from "../common/store";
import { readEvents } from "./events";
import { Tabs } from "./tabs";

/** Something the client said that the server has not answered yet. */
export interface Pending {
  key: string;
  text: string;
  payload?: string;
  state: "sending" | "waiting" | "refused";
  /** Why it was refused, as the server says it. */
  problem?: string;
}

export type Phase = "closed" | "starting" | "ready" | "expired" | "erased";
export type Link = "online" | "offline" | "unreachable";

// a stream that is silent for longer than the server's own sign of life is dead
const SILENCE_MS = 60_000;
const POLL_MS = 15_000;

export class Conversation extends EventTarget {
  phase: Phase = "closed";
  link: Link = "online";
  messages: readonly Message[] = [];
  pending: readonly Pending[] = [];
  /** Seconds that the server asked to wait, 0 for none. */
  wait = 0;

  private readonly tabs: Tabs;
  private token: string | null = null;
  /** The token of the conversation that was left; another tab may still store it. */
  private left: string | null = null;
  private flushing = false;
  /** Whether another tab changed something while this one was sending. */
  private stale = false;
  private started = false;
  private attempts = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private listening: AbortController | null = null;
  private noStream = false;

  constructor(
    private readonly base: string,
    private readonly store: Store,
  ) {
    super();
    this.tabs = new Tabs(store.prefix, () => void this.catchUp());
  }

  /** Whether a reply is on its way. */
  get typing(): boolean {
    return this.pending.some((one) => one.state === "sending");
  }

  /** Whether this browser keeps the conversation when the page is left. */
  get lasting(): boolean {
    return this.store.lasting;
  }

  /** Begin, or go on where this browser left off. */
  start(): void {
    if (this.started) return;
    this.started = true;
    addEventListener("online", this.onOnline);
    addEventListener("offline", this.onOffline);
    addEventListener("storage", this.onStorage);
    document.addEventListener("visibilitychange", this.onVisible);
    this.pending = this.stored();
    if (!navigator.onLine) this.link = "offline";
    this.to("starting");
    void this.go();
  }

  /** Let go of everything that lives outside this object. */
  stop(): void {
    this.started = false;
    removeEventListener("online", this.onOnline);
    removeEventListener("offline", this.onOffline);
    removeEventListener("storage", this.onStorage);
    document.removeEventListener("visibilitychange", this.onVisible);
    clearTimeout(this.timer);
    this.hush();
    this.tabs.close();
  }

  /** Say something: words, or a button that was offered. */
  say(text: string, payload?: string): void {
    const said: Pending = { key: requestKey(), text, state: "waiting", ...(payload === undefined ? {} : { payload }) };
    this.queue([...this.pending, said]);
    this.tabs.changed();
    void this.flush();
  }

  /** Take back something that was not sent. */
  remove(key: string): void {
    this.queue(this.pending.filter((one) => one.key !== key));
  }

  /** Try again now. */
  retry(): void {
    this.attempts = 0;
    void this.go();
  }

  /** Give back the words that were never sent, so that the client can send them elsewhere. */
  takeUnsent(): string {
    const words = this.pending.filter((one) => one.payload === undefined).map((one) => one.text);
    this.queue([]);
    return words.join("\n");
  }

  /** Leave this conversation and begin another. */
  restart(): void {
    this.left = this.store.get("token");
    this.forget();
    this.to("starting");
    void this.go();
  }

  /** Delete the conversation here and at the practice. */
  async erase(): Promise<void> {
    if (this.token) {
      try {
        await this.call("/chat/session", { method: "DELETE" });
      } catch (error) {
        // gone is what was wanted
        if (!(error instanceof Failure && error.gone)) throw error;
      }
    }
    this.store.remove("token");
    this.store.remove("draft");
    this.forget();
    this.to("erased");
  }

  /** Everything that was said, asked from the server. */
  async transcript(): Promise<readonly Message[]> {
    await this.load();
    return this.messages;
  }

  /** Everything that the practice keeps of this conversation, as the server tells it. */
  async everything(): Promise<Blob> {
    return (await this.call("/chat/export", {})).blob();
  }

  /** Where the conversation goes on in Telegram; null where the practice has no bot. */
  async elsewhere(): Promise<string | null> {
    try {
      const { url } = await json<{ url: string }>(await this.call("/chat/link", { method: "POST", body: {} }));
      return url.startsWith("https://") ? url : null;
    } catch (error) {
      if (error instanceof Failure && (error.gone || error.status === 405 || error.status === 503)) return null;
      throw error;
    }
  }

  /** A decision as it stands now, with a fresh booking token where there is one. */
  async decision(id: string): Promise<Decision> {
    return json<Decision>(await this.call(`/eligibility/checks/${encodeURIComponent(id)}`, {}));
  }

  private readonly onOnline = (): void => {
    this.connection("online");
    this.retry();
  };

  private readonly onOffline = (): void => this.connection("offline");

  private readonly onVisible = (): void => {
    if (document.visibilityState === "visible") void this.catchUp();
    else this.hush();
  };

  private readonly onStorage = (event: StorageEvent): void => {
    if (event.key === `${this.store.prefix}token`) void this.adopt();
    else if (event.key === `${this.store.prefix}queue`) this.queue(this.stored(), false);
  };

  /** Another tab began, left or deleted the conversation. */
  private async adopt(): Promise<void> {
    const token = this.store.get("token");
    if (token === this.token || this.phase === "starting") return;
    this.hush();
    this.token = token;
    if (!token) return this.to("expired");
    this.messages = [];
    this.queue(this.stored(), false);
    this.to("starting");
    await this.go();
  }

  private async catchUp(): Promise<void> {
    if (!this.started || this.phase !== "ready") return;
    this.stale = this.flushing;
    if (this.stale) return;
    this.queue(this.stored(), false);
    await this.go();
  }

  /** Do whatever is to be done next: begin, catch up, send, listen. */
  private async go(): Promise<void> {
    clearTimeout(this.timer);
    if (!this.started || this.phase === "expired" || this.phase === "erased") return;
    try {
      if (!this.token) await this.tabs.alone("begin", () => this.begin());
      else await this.load();
      if (!this.started) return;
      this.attempts = 0;
      this.connection("online");
      this.to("ready");
    } catch (error) {
      this.stumble(error);
      return;
    }
    void this.listen();
    await this.flush();
  }

  private async begin(): Promise<void> {
    const kept = this.store.get("token");
    if (kept && kept !== this.left) {
      this.token = kept;
      try {
        return await this.load();
      } catch (error) {
        // a conversation that is gone before anybody looked at it is simply begun anew
        if (!(error instanceof Failure && error.gone) || this.pending.length) throw error;
      }
    }
    const opened = await json<{ token: string; messages: Message[] }>(
      await request(`${this.base}chat/sessions`, { method: "POST", body: {} }),
    );
    this.token = opened.token;
    this.store.set("token", opened.token);
    this.messages = opened.messages;
    this.tabs.changed();
  }

  private async load(): Promise<void> {
    const token = this.token;
    const { messages } = await json<{ messages: Message[] }>(await this.call("/chat/history", {}));
    // an answer for a conversation that was left meanwhile
    if (token !== this.token) return;
    this.messages = messages;
    this.emit();
  }

  private async flush(): Promise<void> {
    if (this.flushing || this.phase !== "ready") return;
    this.flushing = true;
    try {
      while (this.phase === "ready" && this.next()) {
        if (!(await this.tabs.alone("send", () => this.sendNext()))) break;
      }
    } finally {
      this.flushing = false;
    }
    if (this.stale) await this.catchUp();
  }

  private next(): Pending | undefined {
    return this.pending.find((one) => one.state !== "refused");
  }

  /** Send the oldest waiting words; returns whether to go on with the next. */
  private async sendNext(): Promise<boolean> {
    // another tab may have sent it while this one waited for its turn
    if (this.store.lasting) this.queue(this.stored(), false);
    const said = this.next();
    if (!said) return true;
    const token = this.token;
    this.mark(said.key, { state: "sending" });
    try {
      const body = said.payload === undefined ? { text: said.text } : { payload: said.payload };
      const response = await this.call("/chat/messages", {
        method: "POST",
        body,
        headers: { "Idempotency-Key": said.key },
      });
      const { messages } = await json<{ messages: Message[] }>(response);
      if (token !== this.token) return true;
      this.took(said, messages);
      return true;
    } catch (error) {
      if (token !== this.token) return true;
      const found = error instanceof Failure ? error : new Failure(0, "");
      if (found.passing || found.gone) {
        this.mark(said.key, { state: "waiting" });
        this.stumble(found);
        return false;
      }
      this.mark(said.key, { state: "refused", problem: found.message });
      return true;
    }
  }

  private took(said: Pending, replies: readonly Message[]): void {
    this.attempts = 0;
    this.connection("online");
    const known = new Set(this.messages.map((message) => message.id));
    const fresh = replies.filter((reply) => !known.has(reply.id));
    const heard = replies.length > 0 && fresh.length === 0;
    const echo = heard || this.echoed(said) ? [] : [asMessage(said, fresh[0])];
    this.messages = [...this.messages, ...echo, ...fresh];
    this.queue(this.pending.filter((one) => one.key !== said.key));
    this.tabs.changed();
  }

  /** Whether the server's history ends with `said`: it arrived, only the answer got lost. */
  echoed(said: Pending): boolean {
    const last = this.messages.at(-1);
    return last?.from === "client" && last.text === said.text && said === this.next();
  }

  private stumble(error: unknown): void {
    const found = error instanceof Failure ? error : new Failure(0, "");
    if (found.gone) {
      this.hush();
      this.token = null;
      return this.to("expired");
    }
    this.attempts += 1;
    this.wait = found.status === 429 ? (found.retryAfter ?? 1) : 0;
    if (!this.wait) this.connection(navigator.onLine ? "unreachable" : "offline");
    else this.emit();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.go(), 1000 * (this.wait || pause(this.attempts)));
  }

  /** Hear what is said without being asked for: one tab of a browser listens and tells the others. */
  private async listen(): Promise<void> {
    if (this.listening || document.visibilityState !== "visible") return;
    const control = new AbortController();
    this.listening = control;
    try {
      await this.tabs.alone("listen", () => this.stream(control), control.signal);
    } catch {
      // ended by `control`, or by the connection: tried again below
    }
    // somebody else listens now, or nobody is to
    if (this.listening !== control) return;
    this.listening = null;
    if (this.started && this.phase === "ready") {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.go(), this.noStream ? POLL_MS : 1000 * pause(this.attempts + 1));
    }
  }

  private hush(): void {
    this.listening?.abort();
    this.listening = null;
  }

  private async stream(control: AbortController): Promise<void> {
    const abort = (): void => control.abort();
    let silence = setTimeout(abort, SILENCE_MS);
    // whatever the history that was just loaded does not hold
    const after = this.messages.findLast((message) => message.from !== "client")?.id;
    try {
      const response = await fetch(`${this.base}chat/events`, {
        headers: { ...this.bearer(), ...(after ? { "Last-Event-ID": after } : {}) },
        credentials: "omit",
        cache: "no-store",
        signal: control.signal,
      });
      this.noStream = response.status === 404 || response.status === 405;
      if (!response.ok || !response.body) throw await failure(response);
      for await (const data of readEvents(response.body, () => {
        clearTimeout(silence);
        silence = setTimeout(abort, SILENCE_MS);
      })) {
        this.pushed(JSON.parse(data) as Message);
      }
    } finally {
      clearTimeout(silence);
    }
  }

  private pushed(message: Message): void {
    if (this.messages.some((known) => known.id === message.id)) return;
    this.messages = [...this.messages, message];
    this.emit();
    this.tabs.changed();
  }

  private call(path: string, asked: Request): Promise<Response> {
    return request(this.base + path.slice(1), { ...asked, headers: { ...this.bearer(), ...asked.headers } });
  }

  private bearer(): Record<string, string> {
    return { Authorization: `Bearer ${this.token ?? ""}` };
  }

  private stored(): Pending[] {
    if (!this.store.lasting) return [...this.pending];
    try {
      const kept: unknown = JSON.parse(this.store.get("queue") ?? "[]");
      if (!Array.isArray(kept)) return [];
      const flight = new Set(this.pending.filter((one) => one.state === "sending").map((one) => one.key));
      return kept
        .filter((one): one is Pending => typeof one?.key === "string" && typeof one?.text === "string")
        .map((one) => (flight.has(one.key) ? { ...one, state: "sending" } : one));
    } catch {
      return [];
    }
  }

  private queue(pending: readonly Pending[], keep = true): void {
    this.pending = pending;
    if (keep && pending.length) {
      // on the way is not for ever: whoever reads this later has to send it again
      const kept = pending.map((one) => (one.state === "sending" ? { ...one, state: "waiting" } : one));
      this.store.set("queue", JSON.stringify(kept));
    } else if (keep) this.store.remove("queue");
    this.emit();
  }

  private mark(key: string, change: Partial<Pending>): void {
    this.queue(this.pending.map((one) => (one.key === key ? { ...one, ...change } : one)));
  }

  private forget(): void {
    clearTimeout(this.timer);
    this.hush();
    this.token = null;
    this.messages = [];
    this.store.remove("seen");
    this.queue([]);
  }

  private connection(link: Link): void {
    if (link === "online") this.wait = 0;
    if (this.link === link) return;
    this.link = link;
    this.emit();
  }

  private to(phase: Phase): void {
    if (this.phase === phase) return;
    this.phase = phase;
    this.emit();
  }

  private emit(): void {
    this.dispatchEvent(new Event("change"));
  }
}

function asMessage(said: Pending, reply: Message | undefined): Message {
  return {
    id: said.key,
    from: "client",
    // the server's clock: this machine's may be wrong
    at: reply?.at ?? "",
    text: said.text,
    kind: "notice",
    sources: [],
    buttons: [],
    decision: null,
    case: null,
  };
}
