import { silentLog } from '../base/log.ts';
import { engineSuite } from './engine-suite.ts';
import { createMemoryEngine } from './memory.ts';

engineSuite('memory', (options) => createMemoryEngine({ ...options, log: silentLog }));
