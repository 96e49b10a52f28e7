// Server-sent events read with fetch, because EventSource cannot send a token (HTML standard, 9.2.6).

/** What the events of a stream carry, as they arrive; `onBeat` hears every sign of life. */
export async function* readEvents(body: ReadableStream<Uint8Array>, onBeat: () => void): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  const parser = new EventParser();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      onBeat();
      yield* parser.feed(value);
    }
  } finally {
    // the connection is given back, also when the reader of the events stops early
    await reader.cancel().catch(() => undefined);
  }
}

/** Takes text in pieces of any size and gives back whole events. */
export class EventParser {
  private rest = "";
  private data: string[] = [];

  *feed(piece: string): Generator<string> {
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.data.length) yield this.data.join("\n");
        this.data = [];
        continue;
      }
      const [, name, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (name === "data") this.data.push(value ?? "");
    }
  }
}
