/** A page of a few words, for who is not logged in. Needs no file of ours: those are for who is. */
export function plainPage({
  title,
  text,
  command,
  onward,
}: {
  readonly title: string;
  readonly text: string;
  readonly command?: string;
  /** Goes there at once. */ readonly onward?: string;
}): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${title} · wherry</title>
${onward === undefined ? '' : `<meta http-equiv="refresh" content="0;url=${onward}">`}
<style>body{font:16px/1.6 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;margin:0 2rem;max-width:100%}main{max-width:34rem}h1{font-size:1.4rem;margin:0}
code{display:inline-block;font:15px ui-monospace,monospace;padding:.5em .9em;border-radius:8px;background:color-mix(in srgb,currentColor 9%,transparent)}</style></head>
<body><main><h1>${title}</h1><p>${text}</p>${command === undefined ? '' : `<p><code>${command}</code></p>`}</main></body></html>
`;
}
