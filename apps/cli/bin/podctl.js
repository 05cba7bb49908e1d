#!/usr/bin/env node
// Plain JavaScript: for types to be stripped from this file Node would load a compiler, 50 ms of each start. What comes
// after the cache is set up has been stripped at an earlier start.
import { enableCompileCache } from 'node:module';
import { compileCacheFolder } from './compile-cache.js';

// Before anything large is loaded: it halves the time of a start, also of the processes that are started from here.
const words = process.argv.slice(2);
const folder =
  process.env.NODE_COMPILE_CACHE ?? compileCacheFolder(process.env, process.getuid?.() ?? 0, words);
if (folder !== null) {
  process.env.NODE_COMPILE_CACHE = folder;
  enableCompileCache(folder);
}
const { commandFirst } = await import('../src/command-line.ts');
const args = commandFirst(words);
if (args[0] === 'watch' || args[0] === 'top') {
  const { keepHeapSmall } = await import('../src/watch/small-heap.ts');
  keepHeapSmall();
}
// Not the package's index: it loads 50 files more, which no command needs.
const { execute } = await import('@oclif/core/execute');
const { watchOutput } = await import('../src/output-error.ts');
watchOutput();
await execute({ dir: import.meta.url, args });
