// The shapes of the contract, and what the page knows of the practice.

export type Outcome = "eligible" | "modified" | "review" | "not_eligible" | "urgent" | "incomplete";

export interface Finding {
  condition: string;
  status: "present" | "unsure" | "absent" | "past" | "other_person" | "hypothetical";
  origin: "answer" | "text" | "follow_up";
  evidence: string;
  source: string;
}

export interface Decision {
  id: string;
  outcome: Outcome;
  findings: Finding[];
  unanswered: string[];
  message: string;
  rules_version: string;
  decided_at: string;
  valid_until: string | null;
  token: string | null;
  case: string | null;
}

export interface Message {
  id: string;
  from: "assistant" | "therapist" | "client";
  at: string;
  text: string;
  kind: string;
  sources: string[];
  buttons: { title: string; payload: string }[];
  decision: Decision | null;
  case: string | null;
}

/** What the server tells about the practice (`/widget/config.json`). */
export interface Practice {
  name: string;
  phone: string;
  emergency_number: string;
  booking_url: string;
  titles: Record<string, string>;
  conditions: Record<string, string>;
  longest_message: number;
}

export const UNKNOWN_PRACTICE: Practice = {
  name: "",
  phone: "",
  emergency_number: "112",
  booking_url: "",
  titles: {},
  conditions: {},
  longest_message: 2000,
};

/** The booking page with the token that opens it; null where the practice has none. */
export function bookingAddress(practice: Practice, token: string): string | null {
  if (!/^https?:\/\//.test(practice.booking_url)) return null;
  const target = new URL(practice.booking_url);
  target.searchParams.set("token", token);
  return target.href;
}

/** `name` as it begins a line. */
export function capital(name: string): string {
  return name.charAt(0).toLocaleUpperCase() + name.slice(1);
}
