/** Starts the page. */

import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { LiveStore } from './live-store.js';
import './styles/index.css';

const store = new LiveStore();
const place = document.getElementById('app');
if (place === null) throw new Error('bug: the page has no place for the dashboard');
createRoot(place).render(<App store={store} />);
store.start();
