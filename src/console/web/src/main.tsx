/** Where the pages begin. */
import { render } from 'preact';
import './styles/tokens.css';
import './styles/base.css';
import './styles/components.css';
import { Shell } from './shell';

const root = document.getElementById('root');
if (root) render(<Shell />, root);
