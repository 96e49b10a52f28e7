// The few drawings of the interface, in the colour of the text around them.
import { svg } from "lit";
import type { TemplateResult } from "lit";

const PATHS = {
  close: "M6 6l12 12M18 6L6 18",
  more: "M12 5.5a.5.5 0 100 .01M12 12a.5.5 0 100 .01M12 18.5a.5.5 0 100 .01",
  send: "M5 12h13M12.5 5.5L19 12l-6.5 6.5",
  down: "M12 5v13M6 12.5l6 6 6-6",
  check: "M5 12.5l4.5 4.5L19 7.5",
  person: "M12 12a4 4 0 100-8 4 4 0 000 8zM4.5 20.5a7.5 7.5 0 0115 0",
  alert: "M12 4l9 16H3zM12 10v4.5M12 17.3v.01",
  clock: "M12 21a9 9 0 100-18 9 9 0 000 18zM12 7.5V12l3 2",
  leaf: "M5 19c0-9 5-14 15-14 0 10-5 15-12 14M5 21c1-5 4-8 8-10",
} as const;

export type Icon = keyof typeof PATHS;

/** A drawing that says nothing to a screen reader. */
export function icon(name: Icon): TemplateResult {
  return svg`<svg class="icon" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor"
    stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
