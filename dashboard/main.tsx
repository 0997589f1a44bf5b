import '@xterm/xterm/css/xterm.css';
import './dashboard.css';
import './styles/lists.css';
import './styles/overview.css';
import './styles/panel.css';
import './background/background.css';
import './styles/narrow.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { followCluster } from './live.ts';

followCluster();
const place = document.getElementById('page')!;
place.replaceChildren();
render(<App />, place);
