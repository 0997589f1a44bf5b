import '@xterm/xterm/css/xterm.css';
import './dashboard.css';
import './background/background.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { followCluster } from './live.ts';

followCluster();
render(<App />, document.getElementById('page')!);
