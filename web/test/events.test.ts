import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "../src/chat/events";

const STREAM = 'retry: 2000\n\nid: 7\ndata: {"text":"Hello"}\n\n:\n\nid: 8\ndata: one\ndata: two\n\n';
const EVENTS = ['{"text":"Hello"}', "one\ntwo"];

function parsed(pieces: string[]): string[] {
  const parser = new EventParser();
  return pieces.flatMap((piece) => [...parser.feed(piece)]);
}

test("events are the same however the network cuts them", () => {
  for (const stream of [STREAM, STREAM.replaceAll("\n", "\r\n"), STREAM.replaceAll("\n", "\r")]) {
    for (let size = 1; size <= stream.length; size += 1) {
      const pieces = stream.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      // a last carriage return may still become a line break of two characters
      assert.deepEqual(parsed([...pieces, ":"]), EVENTS, `in pieces of ${size}`);
    }
  }
});

test("an event that was not ended is not told", () => {
  assert.deepEqual(parsed(["data: half"]), []);
  assert.deepEqual(parsed(["data: half\n"]), []);
});

test("a sign of life and unknown fields tell nothing", () => {
  assert.deepEqual(parsed([":\n\n", "event: x\nsomething\n\n"]), []);
});
