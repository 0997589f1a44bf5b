import { background } from './korean/background.ts';
import { frame } from './korean/frame.ts';
import { making } from './korean/making.ts';
import { meanings } from './korean/meanings.ts';
import { panel } from './korean/panel.ts';
import { views } from './korean/views.ts';

/** Korean by English, by the parts of the page. What is not here stays English: words of the cluster itself (kinds, reasons, messages) are the same in every language. */
export const korean: Readonly<Record<string, string>> = { ...background, ...frame, ...making, ...meanings, ...panel, ...views };
