import assert from "node:assert/strict";
import { test } from "node:test";
import { mayDecide, places, submission } from "../src/book/questions";
import type { Given, Item } from "../src/book/questions";

const ITEMS: Item[] = [
  {
    linkId: "hematoma",
    text: "?",
    type: "choice",
    item: [
      { linkId: "hematoma.now", text: "?", type: "choice" },
      { linkId: "hematoma.where", text: "?", type: "text" },
    ],
  },
  { linkId: "cancer", text: "?", type: "choice", item: [] },
  { linkId: "other", text: "?", type: "text" },
];

function given(answers: Record<string, string>, notes: Record<string, string> = {}): Given {
  return { answers, notes };
}

function asked(known: Given): string[] {
  return places(ITEMS, known).map((place) => place.item.linkId);
}

test("a follow-up is asked after a yes, and after nothing else", () => {
  assert.deepEqual(asked(given({})), ["hematoma", "cancer", "other"]);
  assert.deepEqual(asked(given({ hematoma: "unsure" })), ["hematoma", "cancer", "other"]);
  assert.deepEqual(asked(given({ hematoma: "yes" })), ["hematoma", "hematoma.now", "hematoma.where", "cancer", "other"]);
});

test("the follow-up of a yes that was taken back is not sent", () => {
  const known = given({ hematoma: "no", "hematoma.now": "gone" });
  assert.deepEqual(submission(ITEMS, known, []).answers, { hematoma: "no" });
});

test("words are sent as words, and only once", () => {
  const known = given({ cancer: "no", other: "I am pregnant" }, { cancer: "checked in May" });
  assert.deepEqual(submission(ITEMS, known, []), { answers: { cancer: "no" }, words: ["checked in May", "I am pregnant"] });
  assert.deepEqual(submission(ITEMS, known, ["checked in May"]).words, ["I am pregnant"]);
});

test("nothing else is an answer, not a word", () => {
  assert.deepEqual(submission(ITEMS, given({ other: "no" }), []), { answers: { other: "no" }, words: [] });
});

test("the server is asked after the last follow-up of a yes, after words, and not between", () => {
  const known = given({ hematoma: "yes", cancer: "no" });
  const [first, now, where, cancer, other] = places(ITEMS, known);
  assert.ok(first && now && where && cancer && other);
  assert.deepEqual(
    [first, now, where, cancer, other].map((place) => mayDecide(place, ITEMS, known)),
    [false, false, true, false, true],
  );
  assert.equal(mayDecide(cancer, ITEMS, { ...known, notes: { cancer: "words" } }), true);
});
