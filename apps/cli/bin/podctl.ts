#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { compileCacheFolder } from '../src/compile-cache.ts';

// Before anything large is loaded: it halves the time of a start, also of the processes that are started from here.
process.env.NODE_COMPILE_CACHE ??= compileCacheFolder(process.env);
enableCompileCache(process.env.NODE_COMPILE_CACHE);
const { execute } = await import('@oclif/core');
await execute({ dir: import.meta.url });
