// What the booking page tells the site that frames it, and only the origin that the site stated.
// No word about health: whether booking is open, and the token when the client goes on (docs/widget.md).

export type Told =
  | { type: "ready" }
  | { type: "resize"; height: number }
  | { type: "progress"; answered: number; of: number }
  | { type: "result"; bookable: boolean }
  | { type: "book"; token: string };

export class Host {
  constructor(private readonly origin: string) {}

  /** Whether there is somebody to tell. */
  get listens(): boolean {
    return this.origin !== "" && window.parent !== window;
  }

  tell(told: Told): void {
    if (this.listens) window.parent.postMessage({ source: "iastm-assistant", version: 1, ...told }, this.origin);
  }
}
