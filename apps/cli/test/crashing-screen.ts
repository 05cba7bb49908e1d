import { LiveScreen } from '../src/watch/live-screen.ts';

/** Draws, and dies of a bug at the first key. */
const screen = new LiveScreen(process.stdout, process.stdin, {
  typed: () => {
    throw new Error('a bug in the table');
  },
  changed: () => undefined,
  suspends: true,
});
screen.draw(['drawn']);
