import { writeFileSync } from 'node:fs';
import { renderConfiguration } from './documentation.ts';

writeFileSync(new URL('../../../../docs/configuration.md', import.meta.url), renderConfiguration());
