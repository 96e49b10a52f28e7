// Keeps the tabs of one browser in step: who changed something tells the others, and one at a time does what
// only one should do. Nothing is carried here but the hint; whoever hears it asks the server.

export class Tabs {
  private readonly channel: BroadcastChannel | null;

  /** `name` is the same in all tabs that belong together; `heard` is called when another one changed something. */
  constructor(
    private readonly name: string,
    heard: () => void,
  ) {
    this.channel = "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
    this.channel?.addEventListener("message", heard);
  }

  /** Tell the others. */
  changed(): void {
    this.channel?.postMessage("changed");
  }

  /**
   * Do `work` while no other tab does work of that name. Where the browser has no locks (or the page is not
   * allowed any) it is done at once: every request is safe to repeat.
   */
  async alone<T>(work: string, does: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (!navigator.locks) return does();
    let result: { value: T } | null = null;
    let failed: { error: unknown } | null = null;
    try {
      await navigator.locks.request(`${this.name}:${work}`, signal ? { signal } : {}, async () => {
        try {
          result = { value: await does() };
        } catch (error) {
          failed = { error };
        }
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      return does();
    }
    if (failed !== null) throw (failed as { error: unknown }).error;
    return (result as unknown as { value: T }).value;
  }

  close(): void {
    this.channel?.close();
  }
}
