// How one message looks. Everything that was said is shown as text, never as markup.
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import { calls, date, reasons } from "../common/cards";
import { icon } from "../common/icons";
import { bookingAddress } from "../common/model";
import type { Decision, Message, Practice } from "../common/model";
import type { Strings } from "../strings/en";
import type { Pending } from "./conversation";

export interface Around {
  words: Strings;
  practice: Practice;
  language: string;
  /** Whether its buttons can still be pressed. */
  current: boolean;
  /** The title of the button that was pressed, or null. */
  chosen: string | null;
  /** Whether the therapist has since decided what the screen could not. */
  ruled: boolean;
  /** Whether the one before was said by the same speaker. */
  continued: boolean;
  press(button: { title: string; payload: string }): void;
  book(event: MouseEvent, made: Decision): void;
}

/** One message of the server. */
export function messageView(message: Message, around: Around): TemplateResult {
  const { words, practice } = around;
  const emergency = message.kind === "emergency";
  return html`<div class="bubble">
    ${speaker(message, around)}
    ${emergency ? html`<p class="heading alarm">${icon("alert")}${words.chat.emergency}</p>` : nothing}
    ${message.decision && !emergency ? heading(message.decision, around) : nothing}
    ${emergency ? calls(practice, words.chat.callNumber, words.chat.callPractice) : nothing}
    <p class="text" dir="auto">${message.from === "client" ? message.text : linked(message.text)}</p>
    ${message.decision ? decisionView(message.decision, around) : nothing}
    ${sources(message, around)}
    ${message.case ? html`<p class="case">${icon("clock")}${words.chat.caseLine(message.case)}</p>` : nothing}
    ${choices(message, around)}
    ${message.at ? html`<time class="time" datetime=${message.at}>${clock(message.at, around.language)}</time>` : nothing}
  </div>`;
}

// an address in a text, without the full stop or bracket that follows it
const ADDRESS = /(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]])/;

/** Words of the practice with their addresses to press. A client's own words stay as they are. */
function linked(text: string): unknown {
  return text.split(ADDRESS).map((part, index) =>
    index % 2 ? html`<a href=${part} target="_blank" rel="noopener noreferrer">${part}</a>` : part,
  );
}

function speaker(message: Message, { words, continued }: Around): TemplateResult {
  const name = words.chat[message.from === "client" ? "you" : message.from];
  if (message.from === "therapist")
    return html`<p class="speaker person">${icon("person")}<span>${name}</span> <span class="badge">${words.chat.person}</span></p>`;
  const shown = message.from === "assistant" && !continued;
  return html`<p class=${shown ? "speaker" : "visually-hidden"}>${name}</p>`;
}

function sources(message: Message, { words, practice }: Around): TemplateResult | typeof nothing {
  const titles = message.sources.map((id) => practice.titles[id] ?? id.replaceAll("_", " "));
  if (!titles.length) return nothing;
  return html`<p class="source">${icon("leaf")}<span>${words.chat.source(titles.join(", "))}</span></p>`;
}

function heading(made: Decision, { words, ruled }: Around): TemplateResult {
  // whoever has a token may book, whatever the screen found
  const told = made.token ? "eligible" : ruled ? "ruled" : made.outcome;
  return html`<p class="heading outcome-${told}">${icon(told === "eligible" ? "check" : "clock")}${words.decision[told]}</p>`;
}

function decisionView(made: Decision, around: Around): TemplateResult {
  const { words, practice, language, book } = around;
  const address = made.token ? bookingAddress(practice, made.token) : null;
  return html`${around.ruled ? nothing : reasons(made, words.decision, practice)}
  ${address
    ? html`<p class="calls">
        <a class="book" href=${address} target="_blank" rel="noopener" @click=${(event: MouseEvent) => book(event, made)}
          >${words.decision.book}</a
        >
      </p>`
    : nothing}
  ${made.token && made.valid_until ? html`<p class="source">${words.decision.validUntil(date(made.valid_until, language))}</p>` : nothing}`;
}

function choices(message: Message, { words, current, chosen, press }: Around): TemplateResult | typeof nothing {
  if (!message.buttons.length) return nothing;
  return html`<div class="choices" role="group" aria-label=${words.chat.replies}>
    ${message.buttons.map((button) => {
      const taken = !current && button.title === chosen;
      // disabled for assistive technology only: a button that loses its focus throws a keyboard user out
      return html`<button
        type="button"
        class="choice ${taken ? "chosen" : ""}"
        aria-disabled=${current ? "false" : "true"}
        @click=${() => {
          if (current) press(button);
        }}
      >
        ${taken ? icon("check") : nothing}<bdi>${button.title}</bdi>${taken
          ? html`<span class="visually-hidden">, ${words.chat.chosen}</span>`
          : nothing}
      </button>`;
    })}
  </div>`;
}

/** Something that is still on its way to the server. */
export function pendingView(
  said: Pending,
  held: boolean,
  words: Strings["chat"],
  edit: (said: Pending) => void,
  remove: (said: Pending) => void,
): TemplateResult {
  const refused = said.state === "refused";
  const status = refused ? `${words.refused} ${said.problem || words.failed}` : held ? words.waiting : words.sending;
  return html`<div class="bubble ${refused ? "refused" : ""}">
    <p class="visually-hidden">${words.you}</p>
    <p class="text" dir="auto">${said.text}</p>
    <p class="state">${status}</p>
    ${refused
      ? html`<div class="choices">
          ${said.payload === undefined
            ? html`<button type="button" class="choice" @click=${() => edit(said)}>${words.edit}</button>`
            : nothing}
          <button type="button" class="choice" @click=${() => remove(said)}>${words.remove}</button>
        </div>`
      : nothing}
  </div>`;
}

/** A moment of the server on this reader's clock face. */
export function clock(moment: string, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }).format(new Date(moment));
}

/** The day of a moment, by which the conversation is divided. */
export function day(moment: string, language: string): string {
  return new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" }).format(new Date(moment));
}

/** The conversation as a text that a client can keep. */
export function transcript(messages: readonly Message[], words: Strings["chat"], practice: Practice, language: string): string {
  const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const lines = messages.map((message) => {
    const who = words[message.from === "client" ? "you" : message.from];
    const when = message.at ? ` (${moment.format(new Date(message.at))})` : "";
    return `${who}${when}\n${message.text}${message.case ? ` [${message.case}]` : ""}\n`;
  });
  return [words.transcriptTitle(practice.name), "", ...lines].join("\n");
}
