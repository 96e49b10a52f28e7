// The questions of the check in the order in which they are asked, read from the FHIR Questionnaire.
// It must not know how they look, and it decides nothing about health.

export interface Item {
  linkId: string;
  text: string;
  type: "choice" | "text";
  required?: boolean;
  maxLength?: number;
  answerOption?: { valueCoding: { code: string; display: string } }[];
  item?: Item[];
}

export interface Given {
  /** linkId to a code, or to words where the question asks for words. */
  answers: Record<string, string>;
  /** linkId to words that were added to an answer. */
  notes: Record<string, string>;
}

export interface Place {
  item: Item;
  /** The question that a follow-up belongs to. */
  parent: Item | null;
  /** Which of the main questions this is, from 1. */
  number: number;
}

export const FREE_WORDS = "other";

/** Every question to ask, as far as the answers tell: a follow-up comes after its "yes". */
export function places(items: readonly Item[], given: Given): Place[] {
  return items.flatMap((item, index) => {
    const own: Place = { item, parent: null, number: index + 1 };
    const follow = given.answers[item.linkId] === "yes" ? (item.item ?? []) : [];
    return [own, ...follow.map((one) => ({ item: one, parent: item, number: index + 1 }))];
  });
}

/** What a check is sent: everything answered, and the words that were not sent before. */
export function submission(items: readonly Item[], given: Given, sent: readonly string[]): { answers: Record<string, string>; words: string[] } {
  const asked = places(items, given);
  const answers: Record<string, string> = {};
  const words: string[] = [];
  for (const { item } of asked) {
    const answer = given.answers[item.linkId];
    if (answer !== undefined && !(item.linkId === FREE_WORDS && answer !== "no")) answers[item.linkId] = answer;
    if (item.linkId === FREE_WORDS && answer !== undefined && answer !== "no") words.push(answer);
    const note = given.notes[item.linkId];
    if (note) words.push(note);
  }
  return { answers, words: words.filter((one) => !sent.includes(one)) };
}

/** Whether answering `place` completes something that may decide at once: a "yes" with its follow-ups, or words. */
export function mayDecide(place: Place, items: readonly Item[], given: Given): boolean {
  if (given.notes[place.item.linkId]) return true;
  const parent = place.parent ?? place.item;
  if (parent.linkId === FREE_WORDS) return true;
  if (given.answers[parent.linkId] !== "yes") return false;
  const family = places(items, given).filter((one) => one.number === place.number);
  return family.at(-1)?.item.linkId === place.item.linkId;
}
