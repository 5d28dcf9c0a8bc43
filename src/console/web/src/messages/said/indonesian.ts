/** All that the gateway says, in Indonesian, in one piece. */
import answers from './answers.json';
import config from './config.json';
import type { Catalogue } from './forms';
import parts from './parts.json';
import singly from './words.json';

/** Sentences, and what they are made of. */
export const catalogue: Catalogue = { ...config, ...answers, ...parts };
/** Words that stand in them. */
export const words: Catalogue = singly;
