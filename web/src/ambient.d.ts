// What the build puts in: style sheets as text, and the files of the chat.
declare module "*.css" {
  const text: string;
  export default text;
}

declare const CHAT_FILES: readonly string[];
