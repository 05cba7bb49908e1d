import { setFlagsFromString } from 'node:v8';

/**
 * For a process that stays for days beside a terminal: V8 then keeps its heap small and collects more often, which costs
 * some of a core while much happens. To be called before anything large is loaded. With 10,000 feeds watch takes 10 to 20 MB less when
 * nothing happens, and more when much does.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--max-semi-space-size=1');
  setFlagsFromString('--semi-space-growth-factor=1');
}
