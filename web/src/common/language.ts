// Which language the interface speaks. English comes with the code, every other one is a file of its own.
import * as en from "../strings/en";
import type { Strings } from "../strings/en";

const OTHERS: Readonly<Record<string, () => Promise<Strings>>> = { es: () => import("../strings/es") };

/** The locale for dates: this browser's own where it speaks `language`, for English otherwise the British one. */
export function locale(language: string): string {
  const own = navigator.languages.find((one) => one.includes("-") && one.startsWith(`${language.split("-")[0]}-`));
  return language.includes("-") ? language : (own ?? (language === "en" ? "en-GB" : language));
}

/** The words of `wanted` ("es", "es-MX"); English where there is no file for it. */
export async function strings(wanted: string): Promise<Strings> {
  const other = OTHERS[wanted.toLowerCase().split("-")[0] ?? ""];
  // a language file that does not arrive must not keep the chat from opening
  return other ? other().catch(() => en) : en;
}
