// The check before booking, one question at a time. It shows the server's questions and decisions and needs no
// chat; the rules are the server's.
import { LitElement, html, nothing, unsafeCSS } from "lit";
import type { TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { calls, date, reasons, telephone } from "../common/cards";
import { Failure, json, request, requestKey } from "../common/http";
import { icon } from "../common/icons";
import { locale, strings } from "../common/language";
import { UNKNOWN_PRACTICE, bookingAddress } from "../common/model";
import type { Decision, Practice } from "../common/model";
import { Store } from "../common/store";
import theme from "../common/theme.css";
import * as english from "../strings/en";
import type { Strings } from "../strings/en";
import styles from "./book.css";
import { Host } from "./host";
import { FREE_WORDS, mayDecide, places, submission } from "./questions";
import type { Given, Item, Place } from "./questions";

interface Kept extends Given {
  /** linkId of the question that is open; null before consent. */
  at: string | null;
  check: string | null;
  token: string;
  sent: string[];
  done: boolean;
}

const NOTHING: Kept = { answers: {}, notes: {}, at: null, check: null, token: "", sent: [], done: false };
const TOKEN_FRESH_MS = 20 * 60_000;
const LONGEST_NOTE = 1000;

export class Check extends LitElement {
  static override styles = [unsafeCSS(theme), unsafeCSS(styles)];

  private words: Strings = english;
  private practice: Practice = UNKNOWN_PRACTICE;
  private items: Item[] = [];
  private why: Record<string, { why: string; explain?: string }> = {};
  private consent = "";
  private readonly store = new Store("iastm-check:", "sessionStorage");
  private kept: Kept = { ...NOTHING };
  private host!: Host;
  private reference: string | null = null;
  private decision: Decision | null = null;
  private decidedAt = 0;
  private declined = false;
  private busy = false;
  private problem = "";
  private handed = false;
  private key = requestKey();
  private retry: (() => void) | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    const known = JSON.parse(document.getElementById("check")?.textContent ?? "{}");
    this.practice = known.practice;
    this.items = known.questionnaire.item;
    this.consent = known.questionnaire.description;
    this.why = known.reasons;
    this.host = new Host(this.dataset["origin"] ?? "");
    this.reference = new URLSearchParams(location.search).get("reference");
    this.kept = this.restored(known.questionnaire.version);
    new ResizeObserver(() => this.host.tell({ type: "resize", height: document.documentElement.offsetHeight })).observe(document.body);
    this.host.tell({ type: "ready" });
    void strings(document.documentElement.lang).then((words) => {
      this.words = words;
      this.requestUpdate();
    });
    if (this.kept.done) void this.again();
  }

  private restored(version: string): Kept {
    this.store.set("version", this.store.get("version") ?? version);
    // answers to other questions are not carried over
    if (this.store.get("version") !== version) {
      this.store.remove("answers");
      this.store.set("version", version);
    }
    try {
      return { ...NOTHING, ...(JSON.parse(this.store.get("answers") ?? "{}") as Partial<Kept>) };
    } catch {
      return { ...NOTHING };
    }
  }

  private change(changed: Partial<Kept>): void {
    this.kept = { ...this.kept, ...changed };
    this.store.set("answers", JSON.stringify(this.kept));
    this.requestUpdate();
  }

  private get places(): Place[] {
    return places(this.items, this.kept);
  }

  private get place(): Place | null {
    return this.places.find((one) => one.item.linkId === this.kept.at) ?? null;
  }

  private async show(): Promise<void> {
    this.problem = "";
    this.retry = null;
    this.requestUpdate();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("h2")?.focus();
    if (!this.host.listens) scrollTo({ top: 0 });
    const number = this.place?.number;
    if (number) this.host.tell({ type: "progress", answered: number - 1, of: this.items.length });
  }

  private begin(): void {
    this.declined = false;
    this.change({ at: this.items[0]?.linkId ?? null });
    void this.show();
  }

  private refuse(): void {
    this.declined = true;
    this.store.remove("answers");
    void this.show();
  }

  private restart(): void {
    this.decision = null;
    this.declined = false;
    this.handed = false;
    this.kept = { ...NOTHING };
    this.store.remove("answers");
    void this.show();
  }

  private back(): void {
    const all = this.places;
    const index = all.findIndex((one) => one.item.linkId === this.kept.at);
    this.change({ at: all[index - 1]?.item.linkId ?? null });
    void this.show();
  }

  /** Take an answer; null leaves a question that may stay open. */
  private answer(place: Place, value: string | null): void {
    if (this.busy) return;
    const answers = { ...this.kept.answers };
    if (value === null) delete answers[place.item.linkId];
    else answers[place.item.linkId] = value;
    const field = this.renderRoot.querySelector<HTMLTextAreaElement>("textarea.note");
    const note = field?.value.trim() ?? "";
    if (note.length > LONGEST_NOTE) return this.complain(this.words.book.tooLong(note.length - LONGEST_NOTE));
    this.key = requestKey();
    this.change({ answers, notes: { ...this.kept.notes, [place.item.linkId]: note } });
    void this.goOn(place);
  }

  private async goOn(place: Place): Promise<void> {
    const all = this.places;
    const next = all[all.findIndex((one) => one.item.linkId === place.item.linkId) + 1];
    if (!next || mayDecide(place, this.items, this.kept)) {
      const decided = await this.submit(() => void this.goOn(place));
      if (!decided) return;
      if (decided.outcome !== "incomplete") return this.conclude(decided);
      // only what the server still wants to know keeps the check open
      if (!next) return this.goTo(decided.unanswered[0] ?? FREE_WORDS);
    }
    this.goTo(next?.item.linkId ?? FREE_WORDS);
  }

  private goTo(at: string): void {
    this.change({ at });
    void this.show();
  }

  private async submit(retry: () => void): Promise<Decision | null> {
    const { check, token, sent } = this.kept;
    const { answers, words } = submission(this.items, this.kept, sent);
    const first = { consent: true, ...(this.reference ? { reference: this.reference } : {}) };
    const body = { answers, ...(words.length ? { text: words.join("\n") } : {}), ...(check ? {} : first) };
    this.busy = true;
    this.problem = "";
    this.requestUpdate();
    try {
      const response = await request(check ? `/eligibility/checks/${check}/answers` : "/eligibility/checks", {
        method: "POST",
        body,
        headers: { "Idempotency-Key": this.key, ...(token ? { "Check-Token": token } : {}) },
      });
      const made = await json<Decision>(response);
      this.change({
        check: made.id,
        token: response.headers.get("Check-Token") ?? token,
        sent: [...sent, ...words],
      });
      return made;
    } catch (error) {
      this.stumble(error, retry);
      return null;
    } finally {
      this.busy = false;
      this.requestUpdate();
    }
  }

  private stumble(error: unknown, retry: () => void): void {
    const found = error instanceof Failure ? error : new Failure(0, "");
    const over = found.status === 409 || found.gone;
    const { book } = this.words;
    this.complain(over ? book.changed : found.status === 0 || found.status >= 500 ? book.unreachable : found.message || book.unreachable);
    this.retry = over ? () => this.restart() : found.passing ? retry : null;
    this.requestUpdate();
  }

  private complain(sentence: string): void {
    this.problem = sentence;
    this.retry = null;
    this.requestUpdate();
  }

  private conclude(made: Decision): void {
    this.decision = made;
    this.decidedAt = performance.now();
    this.change({ done: true });
    void this.show();
    this.host.tell({ type: "result", bookable: made.token !== null });
  }

  /** Show the result that was reached before this page was reloaded. */
  private async again(): Promise<void> {
    try {
      const found = await request(`/eligibility/checks/${this.kept.check}`, { headers: { "Check-Token": this.kept.token } });
      this.conclude(await json<Decision>(found));
    } catch (error) {
      this.stumble(error, () => void this.again());
    }
  }

  private async goBooking(event: MouseEvent): Promise<void> {
    const made = this.decision;
    if (!made) return;
    const fresh = performance.now() - this.decidedAt < TOKEN_FRESH_MS;
    if (fresh && !this.host.listens) return;
    event.preventDefault();
    if (!fresh) await this.again();
    const token = this.decision?.token;
    if (!token) return;
    if (this.host.listens) {
      this.host.tell({ type: "book", token });
      this.handed = true;
      this.requestUpdate();
    } else {
      const address = bookingAddress(this.practice, token);
      if (address) window.open(address, "_top");
    }
  }

  protected override render(): TemplateResult {
    return html`<section class="card" aria-busy=${this.busy}>
      ${this.decision ? this.resultView(this.decision) : this.declined ? this.declinedView() : this.place ? this.freshly(this.place) : this.introView()}
      <div class="problem" role="alert" ?hidden=${!this.problem}>
        <p>${this.problem}</p>
        ${this.retry ? html`<button type="button" class="plain" @click=${this.retry}>${this.words.chat.retry}</button>` : nothing}
      </div>
      <p class="visually-hidden" role="status">${this.busy ? this.words.book.thinking : ""}</p>
    </section>`;
  }

  private introView(): TemplateResult {
    const { book } = this.words;
    if (this.kept.done) return html`<p>${book.thinking}</p>`;
    return html`<h2 tabindex="-1">${book.title}</h2>
      <p class="lead">${book.lead}</p>
      <p>${this.consent}</p>
      <div class="options">
        <button type="button" class="option strong" @click=${() => this.begin()}>${book.begin}</button>
        <button type="button" class="option" @click=${() => this.refuse()}>${book.decline}</button>
      </div>`;
  }

  private declinedView(): TemplateResult {
    const { book } = this.words;
    return html`<h2 tabindex="-1">${book.title}</h2>
      <p>${book.declined}</p>
      ${this.phone()}
      <button type="button" class="plain" @click=${() => this.restart()}>${icon("down")}${book.back}</button>`;
  }

  private phone(): TemplateResult | typeof nothing {
    const { phone } = this.practice;
    return phone ? html`<p><a href=${telephone(phone)}>${this.words.book.callPractice(phone)}</a></p>` : nothing;
  }

  /** New elements for every question, so that neither words nor open help are carried over to the next. */
  private freshly(place: Place): unknown {
    return keyed(place.item.linkId, this.questionView(place));
  }

  private questionView(place: Place): TemplateResult {
    const { book } = this.words;
    const of = this.items.length;
    const reason = this.why[place.item.linkId];
    return html`<div class="progress">
        <p>${book.question(place.number, of)}${place.parent ? html` · ${book.followUp}` : nothing}</p>
        <progress max=${of} value=${place.number - 1} aria-label=${book.question(place.number, of)}></progress>
      </div>
      <h2 tabindex="-1" id="question">${place.item.text}</h2>
      ${place.item.type === "choice" ? this.choiceView(place) : this.wordsView(place)}
      ${reason
        ? html`<details name="help">
              <summary>${book.why}</summary>
              <p>${reason.why}</p>
            </details>
            ${reason.explain
              ? html`<details name="help">
                  <summary>${book.explain}</summary>
                  <p>${reason.explain}</p>
                </details>`
              : nothing}`
        : nothing}
      ${place.item.type === "choice" ? this.noteView(place) : nothing}
      <p class="foot">
        <button type="button" class="plain back" ?disabled=${this.busy} @click=${() => this.back()}>${icon("down")}${book.back}</button>
      </p>`;
  }

  private choiceView(place: Place): TemplateResult {
    const given = this.kept.answers[place.item.linkId];
    return html`<div class="options" role="group" aria-labelledby="question">
      ${place.item.answerOption?.map(({ valueCoding: { code, display } }) => {
        const taken = given === code;
        return html`<button
          type="button"
          class="option ${taken ? "taken" : ""}"
          aria-pressed=${taken}
          aria-disabled=${this.busy}
          @click=${() => this.answer(place, code)}
        >
          ${display}${taken ? icon("check") : nothing}
        </button>`;
      })}
    </div>`;
  }

  private noteView(place: Place): TemplateResult {
    const note = this.kept.notes[place.item.linkId] ?? "";
    return html`<details ?open=${note !== ""}>
      <summary>${this.words.book.addWords}</summary>
      <label class="visually-hidden" for="note">${this.words.book.ownWords}</label>
      <textarea id="note" class="note" rows="2" dir="auto" .value=${note}></textarea>
    </details>`;
  }

  private wordsView(place: Place): TemplateResult {
    const { book } = this.words;
    const free = place.item.linkId === FREE_WORDS;
    const given = this.kept.answers[place.item.linkId] ?? "";
    const longest = place.item.maxLength ?? LONGEST_NOTE;
    const send = (event: Event): void => {
      event.preventDefault();
      const words = this.renderRoot.querySelector<HTMLTextAreaElement>("textarea.words")?.value.trim() ?? "";
      if (!words) return this.complain(free ? book.writeFirst.replace(book.dontKnow, book.nothingElse) : book.writeFirst);
      if ([...words].length > longest) return this.complain(book.tooLong([...words].length - longest));
      this.answer(place, words);
    };
    return html`<form @submit=${send}>
      <label for="words">${book.ownWords}</label>
      <textarea id="words" class="words" rows=${free ? 5 : 2} dir="auto" .value=${given === "no" ? "" : given}></textarea>
      <div class="options row">
        <button type="submit" class="option strong" aria-disabled=${this.busy}>${book.next}</button>
        <button type="button" class="option" aria-disabled=${this.busy} @click=${() => this.answer(place, free ? "no" : null)}>
          ${free ? book.nothingElse : book.dontKnow}
        </button>
      </div>
    </form>`;
  }

  private resultView(made: Decision): TemplateResult {
    const { book, decision } = this.words;
    const urgent = made.outcome === "urgent";
    // whoever has a token may book, whatever the screen found
    const told = made.token ? "eligible" : made.outcome;
    const address = made.token ? bookingAddress(this.practice, made.token) : null;
    return html`<div class="result outcome-${told}">
      <h2 tabindex="-1">${icon(urgent ? "alert" : told === "eligible" ? "check" : "clock")}${decision[told]}</h2>
      ${urgent ? calls(this.practice, book.call, book.callPractice) : nothing}
      <p class="message">${made.message}</p>
      ${made.token && this.host.listens
        ? this.handed
          ? html`<p role="status">${book.given}</p>`
          : html`<p><button type="button" class="option strong" @click=${(event: MouseEvent) => this.goBooking(event)}>${book.bookNow}</button></p>`
        : made.token && address
          ? html`<p><a class="option strong" href=${address} target="_top" @click=${(event: MouseEvent) => this.goBooking(event)}>${decision.book}</a></p>`
          : made.token
            ? html`<p>${book.noBooking}</p>`
            : nothing}
      ${made.case ? html`<p class="case">${icon("clock")}${book.checkCase(made.case)}</p>` : nothing}
      ${reasons(made, decision, this.practice)}
      ${made.valid_until && made.token ? html`<p class="valid">${decision.validUntil(date(made.valid_until, locale(document.documentElement.lang)))}</p>` : nothing}
      ${urgent ? nothing : this.phone()}
      <p class="foot"><button type="button" class="plain" @click=${() => this.restart()}>${book.again}</button></p>
    </div>`;
  }
}

customElements.define("iastm-check", Check);
