// What this browser keeps for one assistant. Storage may be switched off or full: what cannot be kept there
// lasts as long as the page. It must not know what the values mean.

type Area = "localStorage" | "sessionStorage";

/** Named texts under one prefix, in storage where possible and in memory otherwise. */
export class Store {
  private readonly memory = new Map<string, string>();
  private readonly area: Storage | null;
  /** Whether the last write reached storage; false means the page forgets when it is left. */
  lasting: boolean;

  constructor(readonly prefix: string, area: Area = "localStorage") {
    this.area = usable(area);
    this.lasting = this.area !== null;
  }

  get(name: string): string | null {
    if (this.memory.has(name)) return this.memory.get(name) ?? null;
    try {
      return this.area?.getItem(this.prefix + name) ?? null;
    } catch {
      return null;
    }
  }

  set(name: string, value: string): void {
    try {
      if (!this.area) throw new Error("no storage");
      this.area.setItem(this.prefix + name, value);
      this.memory.delete(name);
      this.lasting = true;
    } catch {
      this.memory.set(name, value);
      this.lasting = false;
    }
  }

  remove(name: string): void {
    this.memory.delete(name);
    try {
      this.area?.removeItem(this.prefix + name);
    } catch {
      // nothing was kept there
    }
  }
}

function usable(area: Area): Storage | null {
  try {
    const found = window[area];
    const probe = "iastm-assistant:probe";
    found.setItem(probe, "1");
    found.removeItem(probe);
    return found;
  } catch {
    return null;
  }
}
