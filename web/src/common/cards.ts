// What chat and booking page both show: a decision with its reasons, and a call in an emergency.
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";
import type { Strings } from "../strings/en";
import type { Decision, Finding, Practice } from "./model";

/** `tel:` of a number as people write it. */
export function telephone(number: string): string {
  return `tel:${number.replace(/[^\d+*#]/g, "")}`;
}

/** The links that call for help: the emergency number, and the practice where it has one. */
export function calls(practice: Practice, call: (number: string) => string, other: (number: string) => string): TemplateResult {
  return html`<p class="calls">
    <a class="call" href=${telephone(practice.emergency_number)}>${call(practice.emergency_number)}</a>
    ${practice.phone ? html`<a class="call second" href=${telephone(practice.phone)}>${other(practice.phone)}</a>` : nothing}
  </p>`;
}

/** Why a decision is what it is: the findings that count, each in the client's own words. */
export function reasons(made: Decision, words: Strings["decision"], practice: Practice): TemplateResult | typeof nothing {
  const counting = made.findings.filter((found) => found.status === "present" || found.status === "unsure");
  if (!counting.length) return nothing;
  // an answer and the words that go with it are one reason
  const byCondition = new Map<string, Finding[]>();
  for (const found of counting) byCondition.set(found.condition, [...(byCondition.get(found.condition) ?? []), found]);
  return html`<div class="reasons">
    <p class="caption">${words.reasons}</p>
    <ul>
      ${[...byCondition.values()].map((findings) => reason(findings, words, practice))}
    </ul>
  </div>`;
}

function reason(findings: readonly Finding[], words: Strings["decision"], practice: Practice): TemplateResult {
  const name = practice.conditions[findings[0]?.condition ?? ""] ?? words.anotherFinding;
  const unsure = findings.every((found) => found.status === "unsure") ? ` (${words.unsure})` : "";
  const said = new Set(findings.filter((found) => found.origin !== "answer" && found.evidence).map((found) => found.evidence));
  const sources = new Set(findings.map((found) => (found.source in practice.titles ? words.handout : words.practice)));
  return html`<li>
    <span class="finding">${name}${unsure}</span>
    ${[...said].map((evidence) => html`<q class="evidence" dir="auto">${words.said(evidence)}</q>`)}
    <span class="from">${[...sources].join(", ")}</span>
  </li>`;
}

/** A moment of the server as a date of this reader. */
export function date(moment: string, language: string): string {
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" }).format(new Date(moment));
}
